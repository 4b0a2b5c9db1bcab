"""Windows of a track shared out over threads; numpy's transforms and arithmetic run side by side in them."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def in_shares(work: Callable[[Sequence[int]], Result], pieces: Sequence[int], threads: int | None) -> list[Result]:
    """Call ``work`` on interleaved shares of ``pieces``, one for each thread; None for one per processor.

    >>> in_shares(list, range(5), threads=2)
    [[0, 2, 4], [1, 3]]
    """
    shares = min(threads or len(os.sched_getaffinity(0)), len(pieces))
    with ThreadPoolExecutor(shares) as executor:
        return list(executor.map(work, [pieces[share::shares] for share in range(shares)]))
