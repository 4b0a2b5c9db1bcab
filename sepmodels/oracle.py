"""The ideal ratio mask, by torch; apart, so that the list of references needs no torch."""

from collections.abc import Iterator

import numpy as np
import torch

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.recordings import ArrayRecording
from sepmodels.separation import overlap_add
from sepmodels.spectral import Stft, magnitude_of


def mask_ideally(mixture: np.ndarray, vocals: np.ndarray, accompaniment: np.ndarray) -> Iterator[np.ndarray]:
    """The mixture times ``|V| / (|V| + |A|)``, in blocks that follow one another.

    Shape:
        each: float32 ``(2, sample)`` -> blocks of float32 ``(2, any)``.
    """
    return overlap_add(
        _Masking(),
        ArrayRecording(np.concatenate([mixture, vocals, accompaniment]), SAMPLE_RATE_HZ),
        segment_samples=30 * SAMPLE_RATE_HZ,
        overlap_samples=SAMPLE_RATE_HZ,
    )


class _Masking:
    """``(batch, 6, sample)``, mixture, vocals and accompaniment in two channels each -> ``(batch, 2, sample)``."""

    def __init__(self) -> None:
        self.stft = Stft()

    def __call__(self, segments: np.ndarray) -> np.ndarray:
        mixture, vocals, accompaniment = self.stft(torch.from_numpy(segments)).chunk(3, dim=1)
        target = magnitude_of(vocals)
        total = target + magnitude_of(accompaniment)
        mask = target / total.clamp_min(torch.finfo(torch.float32).tiny)
        return self.stft.inverse(mask * mixture, segments.shape[-1]).numpy()
