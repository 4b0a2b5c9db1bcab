"""Ideal masks, by torch; apart, so that the list of references needs no torch."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.overlap_add import overlap_add
from sepmodels.audio.recordings import ArrayRecording
from sepmodels.audio.stft import Stft, magnitude_of

# The magnitudes of target and rest -> the target's mask, all of one shape.
Mask: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def ratio_mask(target: Tensor, rest: Tensor) -> Tensor:
    """The target's share of the two magnitudes; 0 where both are 0.

    >>> ratio_mask(torch.tensor([3.0, 1.0, 0.0]), torch.tensor([1.0, 1.0, 0.0]))
    tensor([0.7500, 0.5000, 0.0000])
    """
    return target / (target + rest).clamp_min(torch.finfo(torch.float32).tiny)


def binary_mask(target: Tensor, rest: Tensor) -> Tensor:
    """1 where the target's magnitude is the greater, else 0.

    >>> binary_mask(torch.tensor([3.0, 1.0, 0.0]), torch.tensor([1.0, 1.0, 0.0]))
    tensor([1., 0., 0.])
    """
    return (target > rest).to(target.dtype)


def mask_ideally(
    mixture: np.ndarray, vocals: np.ndarray, accompaniment: np.ndarray, mask: Mask
) -> Iterator[np.ndarray]:
    """The mixture times the vocals' ``mask``, in blocks that follow one another.

    Shape:
        each: float32 ``(2, sample)`` -> blocks of float32 ``(2, any)``.
    """
    return overlap_add(
        _Masking(mask),
        ArrayRecording(np.concatenate([mixture, vocals, accompaniment]), SAMPLE_RATE_HZ),
        segment_samples=30 * SAMPLE_RATE_HZ,
        overlap_samples=SAMPLE_RATE_HZ,
    )


class _Masking:
    """``(batch, 6, sample)``, mixture, vocals and accompaniment in two channels each -> ``(batch, 2, sample)``."""

    def __init__(self, mask: Mask) -> None:
        self.stft = Stft()
        self.mask = mask

    def __call__(self, segments: np.ndarray) -> np.ndarray:
        mixture, vocals, accompaniment = self.stft(torch.from_numpy(segments)).chunk(3, dim=1)
        mask = self.mask(magnitude_of(vocals), magnitude_of(accompaniment))
        return self.stft.inverse(mask * mixture, segments.shape[-1]).numpy()
