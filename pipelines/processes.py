"""Ending processes with everything that they started."""

import os
import signal
import time
from contextlib import suppress
from subprocess import Popen

PATIENCE_SECONDS = 30.0  # a training writes its state before it ends
POLL_SECONDS = 0.1


def end_tree(processes: list[Popen]) -> None:
    """Interrupt processes that lead their own sessions, with all their descendants; kill what is left after a while.

    An interrupt in the meantime (a second Ctrl-C) kills at once.
    """
    members = [member for process in processes for member in _members(process)]
    try:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until and any(_runs(member) for member in members):
            time.sleep(POLL_SECONDS)
    finally:
        for member in members:
            if _runs(member):
                with suppress(ProcessLookupError):
                    os.kill(member.pid, signal.SIGKILL)
        for process in processes:
            process.wait()


def _members(process: Popen) -> list:
    """The process, its descendants, and whatever else is in its group (those whose parent has gone)."""
    import psutil

    found = {}
    with suppress(psutil.NoSuchProcess):
        leader = psutil.Process(process.pid)
        found = {member.pid: member for member in (leader, *leader.children(recursive=True))}
    for other in psutil.process_iter():
        with suppress(ProcessLookupError):
            if os.getpgid(other.pid) == process.pid:
                found.setdefault(other.pid, other)
    return list(found.values())


def _runs(process) -> bool:
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
