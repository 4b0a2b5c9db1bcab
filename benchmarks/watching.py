"""What a piece of work takes: a process of its own, watched from outside. Needs Linux."""

import multiprocessing as mp
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True)
class Watched:
    """seconds and cpu_seconds of the work itself, its children's included; the largest memory that was seen.

    memory_bytes: summed over the process and its children, what the system cannot take back (RssAnon and RssShmem);
        the pages of memory-mapped files, which it can, are left out. The interpreter and all imports are in it.
    """

    seconds: float
    cpu_seconds: float
    memory_bytes: int
    answer: Any


def watched(work: Callable[..., Any], *arguments: Any, every_seconds: float = 0.02) -> Watched:
    """Call ``work`` in a fresh process and watch it; raises SystemExit where it fails."""
    context = mp.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_call, args=(theirs, work, arguments))
    child.start()
    theirs.close()
    memory = 0
    while not ours.poll(every_seconds):
        memory = max(memory, held_bytes(child.pid))
    try:
        seconds, cpu_seconds, answer = ours.recv()
    except EOFError:
        raise SystemExit(f"{work.__name__} failed; see above.") from None
    child.join()
    return Watched(seconds, cpu_seconds, memory, answer)


def _call(pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    begun, used = time.perf_counter(), _cpu_seconds()
    answer = work(*arguments)
    pipe.send((time.perf_counter() - begun, _cpu_seconds() - used, answer))


def _cpu_seconds() -> float:
    return sum(os.times()[:4])


def held_bytes(process_id: int | None) -> int:
    """What a process and its children hold that the system cannot take back, now."""
    try:
        parent = psutil.Process(process_id)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_held_by_one(one.pid) for one in family)


def _held_by_one(process_id: int) -> int:
    try:
        lines = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8").splitlines()
    except OSError:  # it ended meanwhile
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "RssShmem:")))
