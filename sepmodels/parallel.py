"""Work on many tracks at once, where one that fails stops no other."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from sepmodels.errors import UserError
from sepmodels.progress import Progress, silent

Item = TypeVar("Item")
Result = TypeVar("Result")

# A worker on a four-minute track takes about half a gigabyte: more than eight would pass 4 GB.
_MOST_WORKERS = 8


def usable_cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def for_each(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int = 0,
    progress: Progress = silent,
) -> tuple[list[Result], list[UserError]]:
    """Call ``work`` on every item, in threads; returns the results and the :class:`UserError` raised, in order.

    Threads suffice for decoding: ffmpeg runs beside Python, and numpy lets go of the interpreter.
    workers: 0 means a thread for each core, eight at most. Any other exception, and an interrupt, ends the
    work: what has begun is finished, what has not is dropped, and the exception is raised.
    """
    done: dict[int, Result] = {}
    faults: dict[int, UserError] = {}
    pool = ThreadPoolExecutor(workers or min(usable_cores(), _MOST_WORKERS))
    try:
        futures = {pool.submit(work, item): index for index, item in enumerate(items)}
        for count, future in enumerate(as_completed(futures), start=1):
            index = futures[future]
            try:
                done[index] = future.result()
            except UserError as fault:
                faults[index] = fault
            progress(count, len(items), "track")
    finally:
        pool.shutdown(cancel_futures=True)
    return [done[index] for index in sorted(done)], [faults[index] for index in sorted(faults)]


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
