"""Ending processes with everything that they started, and that also when the one who started them was killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipelines.own_code import own_module

if TYPE_CHECKING:
    import psutil

PATIENCE_SECONDS = 30.0  # a training writes its state before it ends
LAST_SECONDS = 10.0  # a killed process has gone at once, unless it waits for a disk
POLL_SECONDS = 0.1


def end_trees(leaders: Iterable["psutil.Process"]) -> None:
    """Interrupt processes that lead their own sessions, with all their descendants; kill what is left after a while.

    Of a leader that has ended already, the members of its group that it left behind. An interrupt in the meantime
    (a second Ctrl-C) kills at once.
    """
    groups = {leader.pid: _members(leader) for leader in leaders}
    members = [member for group in groups.values() for member in group]
    try:
        for number, group in groups.items():
            if any(_runs(member) for member in group):
                with suppress(ProcessLookupError):
                    os.killpg(number, signal.SIGINT)
        _wait(members, PATIENCE_SECONDS)
    finally:
        for member in members:
            if _runs(member):
                with suppress(ProcessLookupError):
                    os.kill(member.pid, signal.SIGKILL)
        _wait(members, LAST_SECONDS)


def _wait(members: list["psutil.Process"], most_seconds: float) -> None:
    """Until all have ended; whose children they are may ask for their status."""
    until = time.monotonic() + most_seconds
    while time.monotonic() < until and any(_runs(member) for member in members):
        time.sleep(POLL_SECONDS)


@contextmanager
def watched() -> Iterator[Callable[[int], None]]:
    """Gives a function that takes the number of a process to be ended should this one be killed within the block.

    A kill -9 runs no ``finally``: a small process of its own, which notices by a pipe that this one has gone, does
    what would have been done (:func:`end_trees`).
    """
    command, folder = own_module("pipelines.running.processes")
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, text=True, bufsize=1, start_new_session=True
    ) as watcher:

        def watch(number: int) -> None:
            with suppress(BrokenPipeError):
                print(number, file=watcher.stdin)

        try:
            yield watch
        finally:
            with suppress(BrokenPipeError):
                watcher.stdin.close()


def _watch() -> None:
    """Read numbers of processes until the pipe's other end is closed, then end those of them that still run."""
    import psutil

    leaders = []
    for line in sys.stdin:
        with suppress(psutil.NoSuchProcess):
            leaders.append(psutil.Process(int(line)))
    end_trees(leaders)


def _members(leader: "psutil.Process") -> list["psutil.Process"]:
    """The process, its descendants, and whatever else is in its group (those whose parent has gone)."""
    import psutil

    if psutil.pid_exists(leader.pid) and not leader.is_running():
        return []  # its number is another's by now
    found = {}
    with suppress(psutil.NoSuchProcess):
        found = {member.pid: member for member in (leader, *leader.children(recursive=True))}
    for other in psutil.process_iter():
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(other.pid) == leader.pid:
                found.setdefault(other.pid, other)
    return list(found.values())


def _runs(process: "psutil.Process") -> bool:
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    _watch()
