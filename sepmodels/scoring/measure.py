"""What a measure beside BSSEval's is: a number for a whole track, with a name, a unit and a source."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from sepmodels.scoring.signals import Float64


@dataclass(frozen=True, eq=False)
class Signals:
    """What a measure may look at.

    reference, estimate: of one source, float64 in [-1, 1], ``(channel, sample)``, equally long.
    mixture: of the same shape; where it is not known, the reference stands in for it.
    """

    reference: Float64
    estimate: Float64
    mixture: Float64
    sample_rate_hz: int


Value: TypeAlias = Callable[[Signals], float]


@dataclass(frozen=True)
class Measure:
    """One measure.

    Args:
        name: the head of its column.
        says: what it says of an estimate, in one sentence.
        higher_is_better: whether it is.
        unit: "dB", "points from 0 to 100"...; "" for a plain number.
        source: the paper and its equation, or the implementation with its version.
        value: its number for one track; NaN where it is not defined, as for a silent reference.
        check: raises UserError where what it needs is not installed.
    """

    name: str
    says: str
    higher_is_better: bool
    unit: str
    source: str
    value: Value
    check: Callable[[], None] = lambda: None


def is_silence(signal: np.ndarray) -> bool:
    """Whether every sample of every channel is 0."""
    return not signal.any()
