"""Work on many tracks at once, where one that fails stops no other."""

import contextlib
import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from typing import TypeAlias, TypeVar

from sepmodels.errors import UserError
from sepmodels.marks import speed_only, words_only
from sepmodels.progress import Progress, silent

Item = TypeVar("Item")
Result = TypeVar("Result")
Outcome: TypeAlias = Callable[[], Result]  # gives the result of an item, or raises what its work raised

_MOST_WORKERS = 8
_MOST_BYTES = 4 * 10**9  # that all workers may hold together, so that 8 GB of memory suffice


def usable_cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def for_each(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int = 0,
    bytes_each: int = 0,
    progress: Progress = silent,
) -> tuple[list[Result], list[UserError]]:
    """Call ``work`` on every item, in threads; returns the results and the :class:`UserError` raised, in order.

    Threads suffice for decoding: ffmpeg runs beside Python, and numpy lets go of the interpreter.
    workers: 0 means a thread for each core, but eight at most, and no more than hold 4 GB together.
    bytes_each: that a worker holds at most, about. Any other exception, and an interrupt, ends the
    work: what has begun is finished, what has not is dropped, and the exception is raised.
    """
    pool = ThreadPoolExecutor(workers or _workers(bytes_each))
    return _collected(_in_pool(pool, work, items), len(items), progress)


@speed_only
def _workers(bytes_each: int) -> int:
    return max(1, min(usable_cores(), _MOST_WORKERS, _MOST_BYTES // max(1, bytes_each)))


def for_each_in_processes(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int,
    progress: Progress = silent,
) -> tuple[list[Result], list[UserError]]:
    """The same in processes, for work that keeps the interpreter busy; ``work`` and items must pickle.

    With one worker the work is done right here. The processes end when this one does, however it ends.
    """
    if workers == 1:
        here = ((index, functools.partial(work, item)) for index, item in enumerate(items))
        return _collected(here, len(items), progress)
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, spawn, initializer=_follow_parent)
    return _collected(_in_pool(pool, work, items), len(items), progress)


def _in_pool(
    pool: Executor, work: Callable[[Item], Result], items: Sequence[Item]
) -> Generator[tuple[int, Outcome[Result]], None, None]:
    try:
        futures = {pool.submit(work, item): index for index, item in enumerate(items)}
        for future in as_completed(futures):
            yield futures[future], future.result
    finally:
        pool.shutdown(cancel_futures=True)


def _collected(
    outcomes: Generator[tuple[int, Outcome[Result]], None, None], total: int, progress: Progress
) -> tuple[list[Result], list[UserError]]:
    done: dict[int, Result] = {}
    faults: dict[int, UserError] = {}
    with contextlib.closing(outcomes):
        for count, (index, outcome) in enumerate(outcomes, start=1):
            try:
                done[index] = outcome()
            except UserError as fault:
                faults[index] = words_only(fault)
            progress(count, total, "track")
    return [done[index] for index in sorted(done)], [faults[index] for index in sorted(faults)]


def _follow_parent() -> None:
    """End with the parent process, and leave interrupts to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def raise_all(faults: Iterable[object], heading: str) -> None:
    """Raise one :class:`UserError` that lists all faults under ``heading``, if there is any.

    >>> raise_all(["a.wav is empty.", "b.wav is empty."], "These tracks cannot be used:")
    Traceback (most recent call last):
    sepmodels.errors.UserError: These tracks cannot be used:
      - a.wav is empty.
      - b.wav is empty.
    """
    lines = [f"\n  - {fault}" for fault in faults]
    if lines:
        raise UserError(heading + "".join(lines))
