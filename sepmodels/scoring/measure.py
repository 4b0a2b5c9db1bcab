"""What a measure beside BSSEval's is: a number for a whole track, with a name, a unit and a source."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from sepmodels.errors import UserError
from sepmodels.progress import Say
from sepmodels.scoring.pitch import Pitch, track_pitch
from sepmodels.scoring.signals import Float64


@dataclass(frozen=True, eq=False)
class Signals:
    """What a measure may look at.

    reference, estimate: of one source, float64 in [-1, 1], ``(channel, sample)``, equally long.
    mixture: of the same shape; where it is not known, the reference stands in for it.
    pitch: of the reference, as a dataset labels it, where it does.
    """

    reference: Float64
    estimate: Float64
    mixture: Float64
    sample_rate_hz: int
    pitch: Pitch | None = None

    @cached_property
    def true_pitch(self) -> Pitch:
        """The pitch that is labelled, or else what is tracked in the reference."""
        return track_pitch(self.reference, self.sample_rate_hz) if self.pitch is None else self.pitch

    @cached_property
    def estimated_pitch(self) -> Pitch:
        """The pitch that is tracked in the estimate."""
        return track_pitch(self.estimate, self.sample_rate_hz)


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
        libraries: distributions whose versions decide the number, beside numpy and scipy.
        targets: the only ones that it says something of; empty: it does of all.
    """

    name: str
    says: str
    higher_is_better: bool
    unit: str
    source: str
    value: Value
    check: Callable[[], None] = lambda: None
    libraries: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


def value_or_nan(measure: Measure, signals: Signals, say: Say) -> float:
    """The measure's number for one track; NaN where it fails, and ``say`` takes a clause with why.

    Measures of packages raise whatever they like of a clip that they cannot take, and that is no reason to lose the
    other measures and tracks. UserError is raised: it says what to do.
    """
    try:
        return measure.value(signals)
    except UserError:
        raise
    except Exception as fault:
        say(f"{measure.name} failed and has no value ({type(fault).__name__}: {str(fault).rstrip('.')})")
        return np.nan


def is_silence(signal: np.ndarray) -> bool:
    """Whether every sample of every channel is 0."""
    return not signal.any()
