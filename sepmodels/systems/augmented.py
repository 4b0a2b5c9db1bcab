"""Systems that hear a track several times by one trained model: test-time augmentation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.systems.added import Added, Heard, Model, Separate, Tracks

LONGEST_SHIFT = SAMPLE_RATE_HZ // 2  # as in Défossez et al. 2019, who draw shifts of up to half a second

Change = Callable[[Model, np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Augmented(Added):
    """The mean of a model's estimates of a track as it is and changed, each change taken back.

    The changes: reversed polarity, swapped channels, and as many shifts, evenly spaced up to half a second.

    augmented: the variant whose model it is, of the first seed. shifts: how many.
    """

    augmented: str
    shifts: int = 2

    kind = "augmented"
    says = "A trained model that hears each track several times; the accompaniment is the mixture minus the mean."
    option = "augmented"
    separates_songs = True
    learns = False  # the variant says what it has learnt from
    by_models = True
    libraries = ("torch", "torchaudio")

    @property
    def needs(self) -> tuple[str, ...]:
        """The variant, whose estimates are there when its model is."""
        return (self.augmented,)

    def check(self) -> None:
        """Raise UserError for a number of shifts that cannot be."""
        if self.shifts < 0:
            raise UserError(f"--shifts {self.shifts} cannot be: expected 0 or more.")

    @contextmanager
    def opened(self, tracks: Tracks) -> Iterator[Separate]:
        """The model, asked again for each change."""
        model = tracks.model(self.augmented)

        def mean(track: str, mixture: np.ndarray) -> Heard:  # noqa: ARG001
            total = np.zeros(mixture.shape, np.float64)
            heard = [change(model, mixture) for change in self._changes()]
            for vocals in heard:
                total += vocals / len(heard)
            return Heard(total.astype(np.float32))

        yield mean

    def _changes(self) -> Iterator[Change]:
        yield lambda model, mixture: model(mixture)
        yield lambda model, mixture: -model(-mixture)
        yield lambda model, mixture: model(mixture[::-1].copy())[::-1]
        for number in range(1, self.shifts + 1):
            yield _shifted(number * LONGEST_SHIFT // self.shifts)


def _shifted(samples: int) -> Change:
    return lambda model, mixture: model(np.pad(mixture, ((0, 0), (samples, 0))))[:, samples:]
