"""The floor and the ceilings of the table: estimates that need no training, the ceilings from the true stems.

The one list of references: a new one is one entry here. Importing this module is cheap and needs no torch.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np

from sepmodels.audio import STREAMS
from sepmodels.systems.system import WORDS_ONLY, Place, System

INT16_FULL_SCALE = 32_768
# Its code counts for itself: the step of the scores names the function as one of its roots.
COUNTS_AS_CODE = MappingProxyType({"speed_only": True})
Bound = Literal["floor", "ceiling"]


@dataclass(frozen=True)
class Reference(System):
    """An estimate that needs no training: made from the stems as it is scored.

    bound: what it is to the trained systems: the floor under them, or a ceiling over them.
    method: the stems of a track, int16 ``(5, 2, sample)`` -> its vocals, float32 ``(2, sample)``. A function of a
        module, so that its code can be named.
    residual: whether its accompaniment is the mixture minus the vocals, as a variant's is; else the same as its
        vocals.
    """

    bound: Bound = field(metadata=WORDS_ONLY)
    method: Callable[[np.ndarray], np.ndarray] = field(metadata=COUNTS_AS_CODE)
    residual: bool = True

    kind = "reference"
    says = "A reference: it is not trained."
    chain = ("scores",)

    @property
    def place(self) -> Place:
        """Above or below the systems that are ranked."""
        return self.bound

    @property
    def group(self) -> str:
        """All references are in one."""
        return "references"

    @property
    def functions(self) -> tuple[str, ...]:
        """Its method, and its class, which says what is made of that."""
        return tuple(f"{one.__module__}:{one.__qualname__}" for one in (self.method, type(self)))

    @property
    def rest_is_accompaniment(self) -> bool:
        """As its entry says."""
        return self.residual

    def separate(self, stems: np.ndarray) -> np.ndarray:
        """By its method."""
        return self.method(stems)


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
    from sepmodels.systems.ideal_mask import mask_ideally, ratio_mask

    return _joined(mask_ideally(*_sources(stems), ratio_mask))


def ideal_binary_mask(stems: np.ndarray) -> np.ndarray:
    """The mixture through the mask that is 1 where ``|V| > |A|``, of the true vocals V and accompaniment A, else 0.

    It is the ideal binary mask (Wang 2005, On Ideal Binary Mask As the Computational Goal of Auditory Scene Analysis)
    with a criterion of 0 dB, on the STFT of the models. IBM1 of SiSEC 2018 gives a bin to each source whose magnitude
    is half of the mixture's or more.

    Shape:
        stems: int16 ``(5, 2, sample)`` -> float32 ``(2, sample)``.
    """
    from sepmodels.systems.ideal_mask import binary_mask, mask_ideally

    return _joined(mask_ideally(*_sources(stems), binary_mask))


def ideal_power_ratio_mask(stems: np.ndarray) -> np.ndarray:
    """The mixture through the mask ``|V|^2 / (|V|^2 + |A|^2)`` of the true vocals V and accompaniment A.

    It is the ideal ratio mask with exponent alpha = 2 (Liutkus and Badeau 2015; IRM2 of SiSEC 2018), with the
    accompaniment as one source, as in :func:`ideal_ratio_mask`.

    Shape:
        stems: int16 ``(5, 2, sample)`` -> float32 ``(2, sample)``.
    """
    from sepmodels.systems.ideal_mask import mask_ideally, power_ratio_mask

    return _joined(mask_ideally(*_sources(stems), power_ratio_mask))


def ideal_wiener_filter(stems: np.ndarray) -> np.ndarray:
    """The mixture through the multichannel Wiener filter ``v_V R_V (v_V R_V + v_A R_A)^-1`` of the true stems.

    Power spectra v are means over the channels, and spatial covariances R sums over the whole track by the summed
    power (Duong, Vincent and Gribonval 2010; MWF of SiSEC 2018), with the accompaniment as one source, on the STFT of
    the models.

    Shape:
        stems: int16 ``(5, 2, sample)`` -> float32 ``(2, sample)``.
    """
    from sepmodels.systems.ideal_mask import filter_ideally

    return _joined(filter_ideally(*_sources(stems)))


def _sources(stems: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mixture, vocals and accompaniment, each float32 ``(2, sample)``."""
    others = [STREAMS.index(name) for name in ("drums", "bass", "other")]
    accompaniment = _as_float(stems[others].sum(axis=0, dtype=np.int32))
    return mixture_as_estimate(stems), _as_float(stems[STREAMS.index("vocals")]), accompaniment


def _joined(blocks: Iterable[np.ndarray]) -> np.ndarray:
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
            bound="floor",
            method=mixture_as_estimate,
            residual=False,  # which would be silence, and silence has no score
        ),
        Reference(
            name="ideal_binary_mask",
            title="Ideal binary mask",
            summary="The ideal binary mask, from the true stems: the ceiling for binary masks.",
            bound="ceiling",
            method=ideal_binary_mask,
        ),
        Reference(
            name="oracle_mask",
            title="Ideal ratio mask",
            summary="The ideal ratio mask, from the true stems: the ceiling for soft masks.",
            bound="ceiling",
            method=ideal_ratio_mask,
        ),
    )
}
# Made where a profile asks for them (its ``extra_systems``).
MORE_REFERENCES: dict[str, Reference] = {
    reference.name: reference
    for reference in (
        Reference(
            name="ideal_power_mask",
            title="Ideal ratio mask, of power",
            summary="The ideal ratio mask of the true stems' powers (IRM2).",
            bound="ceiling",
            method=ideal_power_ratio_mask,
        ),
        Reference(
            name="ideal_wiener",
            title="Ideal Wiener filter",
            summary="The multichannel Wiener filter of the true stems (MWF): the ceiling for filters of both channels.",
            bound="ceiling",
            method=ideal_wiener_filter,
        ),
    )
}
