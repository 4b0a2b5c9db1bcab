"""How many tracks are scored at once."""

from sepmodels.machine.memory import GIB, free_host_bytes
from sepmodels.machine.parallel import usable_cores
from sepmodels.marks import SpeedOnly, speed_only
from sepmodels.scoring.threads import MOST_BY_DEFAULT

MUSEVAL_GIB: SpeedOnly[float] = 0.5
MUSEVAL_GIB_PER_MINUTE: SpeedOnly[float] = 1.0  # measured: 4.25 GiB for four minutes


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
