"""Windows of a track shared out over threads; numpy's transforms and arithmetic run side by side in them."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sepmodels.marks import SpeedOnly, speed_only

Result = TypeVar("Result")

# Beyond this, threads wait for Python's lock more than they compute, and each has its own buffers.
MOST_BY_DEFAULT: SpeedOnly[int] = 8


def in_shares(work: Callable[[Sequence[int]], Result], pieces: Sequence[int], threads: int | None) -> list[Result]:
    """Call ``work`` on interleaved shares of ``pieces``, one for each thread; None for one per processor, at most 8.

    >>> in_shares(list, range(5), threads=2)
    [[0, 2, 4], [1, 3]]
    """
    shares = min(threads or default_threads(), len(pieces))
    with ThreadPoolExecutor(shares) as executor:
        return list(executor.map(work, [pieces[share::shares] for share in range(shares)]))


@speed_only
def default_threads() -> int:
    """The number of processors that this process may use, at most 8."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, MOST_BY_DEFAULT)
