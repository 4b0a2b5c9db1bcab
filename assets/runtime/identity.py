"""Which process it is, and whether it still runs."""

import os
import socket


def this_process() -> str:
    """This process for :func:`is_alive`: machine, number, and start time, because numbers are used again."""
    import psutil

    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def is_alive(process: str) -> bool | None:
    """Whether the process that :func:`this_process` named still runs; None if that cannot be seen from here."""
    import psutil

    host, _, rest = process.partition(" ")
    if host != socket.gethostname():
        return None
    number, _, started = rest.partition(" ")
    try:
        found = psutil.Process(int(number))
        return f"{found.create_time():.2f}" == started and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
