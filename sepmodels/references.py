"""The floor and the ceiling of the table: estimates that need no training, the second from the true stems.

Importing this module is cheap and needs no torch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sepmodels.audio import STREAMS

INT16_FULL_SCALE = 32_768


@dataclass(frozen=True)
class Reference:
    """A row of the table that is not a trained system.

    name, title, summary: as in :class:`~sepmodels.variants.Variant`.
    separate: the stems of a track, int16 ``(5, 2, sample)`` -> its vocals, float32 ``(2, sample)``.
    residual: whether its accompaniment is the mixture minus the vocals, as a variant's is; else the same as its
        vocals.
    """

    name: str
    title: str
    summary: str
    separate: Callable[[np.ndarray], np.ndarray]
    residual: bool = True


def mixture_as_estimate(stems: np.ndarray) -> np.ndarray:
    """The mixture itself, as if it were the vocals; int16 ``(5, 2, sample)`` -> float32 ``(2, sample)``."""
    return _as_float(stems[STREAMS.index("mixture")])


def ideal_ratio_mask(stems: np.ndarray) -> np.ndarray:
    """The mixture through the mask ``|V| / (|V| + |A|)`` of the true vocals V and accompaniment A.

    It is the ideal ratio mask with exponent alpha = 1 (Liutkus and Badeau 2015; IRM1 of SiSEC 2018) on the STFT
    of the models. The accompaniment is one source, as the models are scored; SiSEC sums the magnitudes of all
    four stems instead. Where both are silent the mask is zero.

    Shape:
        stems: int16 ``(5, 2, sample)`` -> float32 ``(2, sample)``.
    """
    from sepmodels.oracle import mask_ideally

    vocals = _as_float(stems[STREAMS.index("vocals")])
    others = [STREAMS.index(name) for name in ("drums", "bass", "other")]
    accompaniment = _as_float(stems[others].sum(axis=0, dtype=np.int32))
    mixture = mixture_as_estimate(stems)
    blocks = mask_ideally(mixture, vocals, accompaniment)
    return np.concatenate([np.empty((2, 0), np.float32), *blocks], axis=1)


def _as_float(waveform: np.ndarray) -> np.ndarray:
    return waveform.astype(np.float32) / INT16_FULL_SCALE


REFERENCES: dict[str, Reference] = {
    reference.name: reference
    for reference in (
        Reference(
            name="mixture",
            title="Mixture",
            summary="The mixture itself as the estimate: the floor.",
            separate=mixture_as_estimate,
            residual=False,  # which would be silence, and silence has no score
        ),
        Reference(
            name="oracle_mask",
            title="Oracle mask",
            summary="The ideal ratio mask, from the true stems: the ceiling for soft masks.",
            separate=ideal_ratio_mask,
        ),
    )
}
