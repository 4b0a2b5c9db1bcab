"""The methods of before learning: systems in the list that need no training. Importing this needs no torch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from sepmodels.systems.added import Added, Heard, Separate, Tracks
from sepmodels.systems.references import COUNTS_AS_CODE


@dataclass(frozen=True, kw_only=True)
class Classical(Added):
    """A method that computes a mask from the mixture alone.

    method: a mixture, float32 ``(2, sample)``, -> its vocals, of the same shape. A function of a module, so that its
        code can be named.
    """

    method: Callable[[np.ndarray], np.ndarray] = field(metadata=COUNTS_AS_CODE)

    kind = "classical"
    says = "A method without training."
    learns = False
    keeps_parts = True
    separates_songs = True
    libraries = ("torch", "scikit-learn")

    @property
    def group(self) -> str:
        """All of them are in one."""
        return "classical"

    @property
    def functions(self) -> tuple[str, ...]:
        """Its class and its method."""
        return (*super().functions, f"{self.method.__module__}:{self.method.__qualname__}")

    @contextmanager
    def opened(self, tracks: Tracks) -> Iterator[Separate]:  # noqa: ARG002
        """Its method."""
        yield lambda track, mixture: Heard(self.method(mixture))


def repet_sim(mixture: np.ndarray) -> np.ndarray:
    """What does not repeat; :func:`sepmodels.systems.classical_masks.repetition_mask`."""
    from sepmodels.systems.classical_masks import masked_by, repetition_mask

    return masked_by(repetition_mask, mixture)


def nmf(mixture: np.ndarray) -> np.ndarray:
    """The factors that look like a voice; :func:`sepmodels.systems.classical_masks.factor_mask`."""
    from sepmodels.systems.classical_masks import factor_mask, masked_by

    return masked_by(factor_mask, mixture)


def harmonic_mask(mixture: np.ndarray) -> np.ndarray:
    """The harmonics of the melody; :func:`sepmodels.systems.classical_masks.pitch_mask`."""
    from sepmodels.systems.classical_masks import masked_by, pitch_mask

    return masked_by(pitch_mask, mixture)


CLASSICAL: dict[str, Classical] = {
    system.name: system
    for system in (
        Classical(
            "repet_sim",
            "REPET-SIM",
            "What does not repeat: REPET-SIM, a kernel additive model (Rafii and Pardo 2012).",
            method=repet_sim,
        ),
        Classical(
            "nmf",
            "NMF",
            "Non-negative matrix factorisation, and those of its components that look like a voice.",
            method=nmf,
        ),
        Classical(
            "harmonic_mask",
            "Harmonic mask",
            "A mask around the harmonics of the most salient pitch (after Salamon and Gomez 2012).",
            method=harmonic_mask,
        ),
    )
}
