"""Where a training stands, and how long it has taken."""

import math
import time
from dataclasses import dataclass

from sepmodels.marks import speed_only


@dataclass
class Position:
    """Where a training stands; part of the saved state. first_loss: the mean up to the curve's first point."""

    step: int = 0
    epoch: int = 0
    validated_step: int = 0
    best_step: int = 0
    best_loss: float = math.inf
    best_sdr_db: float = math.nan
    epochs_without_improvement: int = 0
    first_loss: float = math.nan
    seconds: float = 0.0
    processor_seconds: float = 0.0
    stepping_seconds: float = 0.0
    waiting_seconds: float = 0.0


class Clock:
    """Time since the last look, and whether it is time for something."""

    def __init__(self) -> None:
        self.looked = time.perf_counter()
        self.worked = time.process_time()
        self.last: dict[str, float] = {}

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter()
        passed, self.looked = now - self.looked, now
        return passed

    def work(self) -> float:
        """Processor seconds of this process, all threads together, since the last call."""
        now = time.process_time()
        worked, self.worked = now - self.worked, now
        return worked

    @speed_only
    def due(self, what: str, every_seconds: float) -> bool:
        """Whether ``what`` was last due that long ago; the first time counts from the first question."""
        now = time.perf_counter()
        if now - self.last.setdefault(what, now) < every_seconds:
            return False
        self.last[what] = now
        return True
