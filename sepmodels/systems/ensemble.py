"""Systems that are the mean of other systems' estimates."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from sepmodels.errors import UserError
from sepmodels.systems.added import Added, Heard, Separate, Tracks


@dataclass(frozen=True, kw_only=True)
class Ensemble(Added):
    """The mean of waveforms: of several systems, or of one system's trainings.

    mean: names of systems that have estimates; the mean of each one's seeds counts. weights: one for each, equal if
        there are none; only their proportions count.
    """

    mean: tuple[str, ...]
    weights: tuple[float, ...] = ()

    kind = "ensemble"
    says = "The mean of other systems' estimates; the accompaniment is the mixture minus these."
    option = "mean"
    may_lack_tracks = True  # those that one of its members lacks
    learns = False  # those that it is made of say what they have learnt from

    @property
    def needs(self) -> tuple[str, ...]:
        """Those that it is the mean of."""
        return self.mean

    def check(self) -> None:
        """Raise UserError for weights that are not one for each, above 0."""
        if self.weights and len(self.weights) != len(self.mean):
            raise UserError(f"{len(self.weights)} weights do not go with {len(self.mean)} systems: give one for each.")
        if wrong := [weight for weight in self.weights if not 0 < weight < math.inf]:
            raise UserError(f"The weight {wrong[0]:g} cannot be: give a number above 0 for each system.")
        if len(set(self.mean)) < len(self.mean):
            raise UserError(f"A system is named twice in {', '.join(self.mean)}: give it a weight (--weights) instead.")

    @contextmanager
    def opened(self, tracks: Tracks) -> Iterator[Separate]:
        """What adds the estimates of a track."""
        weights = np.array(self.weights or [1.0] * len(self.mean))
        weights /= weights.sum()

        def mean(track: str, mixture: np.ndarray) -> Heard:
            total = np.zeros(mixture.shape, np.float64)
            for name, weight in zip(self.mean, weights, strict=True):
                try:
                    estimates = tracks.estimates(name, track)
                except UserError as fault:
                    raise UserError(f"{name} has no estimate of it that can be read.") from fault
                for estimate in estimates:
                    total += weight / len(estimates) * estimate
            return Heard(total.astype(np.float32))

        yield mean
