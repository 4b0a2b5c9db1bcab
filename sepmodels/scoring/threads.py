"""How scoring is shared out: the windows of a track over threads, tracks over processes.

Numpy's transforms and arithmetic run side by side in threads.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sepmodels.machine.memory import GIB, free_host_bytes
from sepmodels.machine.parallel import usable_cores
from sepmodels.marks import SpeedOnly, speed_only

Result = TypeVar("Result")

# Beyond this, threads wait for Python's lock more than they compute, and each has its own buffers.
MOST_BY_DEFAULT: SpeedOnly[int] = 8
MUSEVAL_GIB: SpeedOnly[float] = 0.5
MUSEVAL_GIB_PER_MINUTE: SpeedOnly[float] = 1.0  # measured: 4.25 GiB for four minutes


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
    return min(usable_cores(), MOST_BY_DEFAULT)


@speed_only
def scoring_workers(scorer: str, longest_seconds: float, asked: int = 0) -> int:
    """The number of processes that score tracks side by side: what was ``asked`` for, or what suits this machine.

    The fast scorer shares each track out over threads already; museval has one thread, and memory sets the limit.
    """
    if asked:
        return asked
    if scorer == "fast":
        return max(1, usable_cores() // MOST_BY_DEFAULT)
    each_gib = MUSEVAL_GIB + MUSEVAL_GIB_PER_MINUTE * longest_seconds / 60
    return max(1, min(usable_cores(), int(free_host_bytes() / GIB / each_gib)))
