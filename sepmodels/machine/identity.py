"""Which machine and which process it is, and whether a process still runs."""

import os
import re
import socket
from functools import cache
from pathlib import Path

HOST_VARIABLE = "SEPBENCH_HOST"  # its name, where what is found out by itself is the same on two machines
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NUMBERS = Path("/proc/self/ns/pid")


@cache
def this_host() -> str:
    """This machine since it was started, in letters, digits, dots and dashes: where numbers of processes mean the same.

    Two containers of one machine count as two, because each numbers its processes anew; so does a machine that was
    started again, for no process of before runs there.
    """
    told = os.environ.get(HOST_VARIABLE, "").strip()
    parts = [told] if told else [socket.gethostname(), _boot(), _numbers()]
    return re.sub(r"[^\w.-]", "-", "-".join(filter(None, parts)))


def _boot() -> str:
    """The first digits of the number that Linux gives to each start of a machine."""
    try:
        return _BOOT.read_text(encoding="ascii")[:8]
    except OSError:
        import psutil

        return str(round(psutil.boot_time()))


def _numbers() -> str:
    """Which numbering of processes it is, as Linux has one for each container."""
    try:
        return re.sub(r"\D", "", str(_NUMBERS.readlink()))
    except OSError:
        return ""


def this_process() -> str:
    """This process for :func:`is_alive`: machine, number, and start time, because numbers are used again."""
    return process_named(os.getpid())


def process_named(number: int) -> str:
    """The same of a process of this machine; raises psutil.NoSuchProcess where none has the number."""
    import psutil

    return f"{this_host()} {number} {psutil.Process(number).create_time():.2f}"


def host_of(process: str) -> str:
    """The machine of a process that :func:`this_process` named."""
    return process.partition(" ")[0]


def is_alive(process: str) -> bool | None:
    """Whether the process that :func:`this_process` named still runs; None if that cannot be seen from here."""
    import psutil

    host, _, rest = process.partition(" ")
    if host != this_host():
        return None
    number, _, started = rest.partition(" ")
    try:
        found = psutil.Process(int(number))
        return f"{found.create_time():.2f}" == started and found.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError):
        return False
