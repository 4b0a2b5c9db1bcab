"""Which machine and which process it is, and whether a process still runs."""

import os
import re
import socket
from functools import cache
from pathlib import Path

HOST_VARIABLE = "SEPBENCH_HOST"  # its name, where what is found out by itself is the same on two machines
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NUMBERS = Path("/proc/self/ns/pid")


def machine_name() -> str:
    """What this machine is called, in letters, digits, dots and dashes."""
    return _as_name(os.environ.get(HOST_VARIABLE, "").strip() or socket.gethostname())


@cache
def this_host() -> str:
    """This machine since it was started, in letters, digits, dots and dashes: where numbers of processes mean the same.

    Two containers of one machine count as two, because each numbers its processes anew; so does a machine that was
    started again, for no process of before runs there.
    """
    told = bool(os.environ.get(HOST_VARIABLE, "").strip())
    return machine_name() if told else _as_name("-".join(filter(None, [machine_name(), _boot(), _numbers()])))


def _as_name(text: str) -> str:
    return re.sub(r"[^\w.-]", "-", text)


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
    return f"{this_host()} {number} {_began(number)}"


def _began(number: int) -> str:
    """When a process began, so that it does not change when the clock is set: in Linux's ticks since the start."""
    import psutil

    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[19]  # the 22nd; a name in brackets, the second, may have blanks
    except OSError:
        return f"{psutil.Process(number).create_time():.0f}"


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
        status = psutil.Process(int(number)).status()
        return _began(int(number)) == started and status != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError):
        return False
