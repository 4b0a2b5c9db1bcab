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

_EPS, _RELATIVE_EPS = 1e-10, 1e-6
# The magnitudes of target and rest -> the target's mask, all of one shape.
Mask: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def ratio_mask(target: Tensor, rest: Tensor) -> Tensor:
    """The target's share of the two magnitudes; 0 where both are 0.

    >>> ratio_mask(torch.tensor([3.0, 1.0, 0.0]), torch.tensor([1.0, 1.0, 0.0]))
    tensor([0.7500, 0.5000, 0.0000])
    """
    return target / (target + rest).clamp_min(torch.finfo(torch.float32).tiny)


def power_ratio_mask(target: Tensor, rest: Tensor) -> Tensor:
    """The target's share of the two powers; 0 where both are 0.

    >>> power_ratio_mask(torch.tensor([3.0, 1.0, 0.0]), torch.tensor([1.0, 1.0, 0.0]))
    tensor([0.9000, 0.5000, 0.0000])
    """
    return ratio_mask(target.square(), rest.square())


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


def filter_ideally(mixture: np.ndarray, vocals: np.ndarray, accompaniment: np.ndarray) -> Iterator[np.ndarray]:
    """The mixture through the multichannel Wiener filter of the true vocals and accompaniment, in blocks.

    The spatial covariances are of the whole track, one for each source and bin.

    Shape:
        each: float32 ``(2, sample)`` -> blocks of float32 ``(2, any)``.
    """
    covariances = torch.stack([_spatial_covariance(source) for source in (vocals, accompaniment)])
    return overlap_add(
        _Filtering(covariances),
        ArrayRecording(np.concatenate([mixture, vocals, accompaniment]), SAMPLE_RATE_HZ),
        segment_samples=30 * SAMPLE_RATE_HZ,
        overlap_samples=SAMPLE_RATE_HZ,
    )


def _spatial_covariance(source: np.ndarray) -> Tensor:
    """Complex64 ``(bin, 2, 2)``: the sum over frames of ``y y^H``, by that of the source's power."""
    stft = Stft()
    total = torch.zeros(stft.bins, 2, 2, dtype=torch.complex64)
    power = torch.full((stft.bins,), _EPS)
    for start in range(0, source.shape[1], 30 * SAMPLE_RATE_HZ):
        spectrum = stft(torch.from_numpy(source[:, start : start + 30 * SAMPLE_RATE_HZ]))  # (2, bin, frame)
        total += torch.einsum("cbf,dbf->bcd", spectrum, spectrum.conj())
        power += magnitude_of(spectrum).square().mean(dim=0).sum(dim=-1)
    return total / power[:, None, None]


class _Filtering:
    """``(batch, 6, sample)``, mixture, vocals and accompaniment in two channels each -> ``(batch, 2, sample)``.

    covariances: ``(source, bin, 2, 2)``.
    """

    def __init__(self, covariances: Tensor) -> None:
        self.stft = Stft()
        self.covariances = covariances

    def __call__(self, segments: np.ndarray) -> np.ndarray:
        mixture, *sources = self.stft(torch.from_numpy(segments)).chunk(3, dim=1)  # (batch, 2, bin, frame)
        powers = [magnitude_of(source).square().mean(dim=1) for source in sources]  # (batch, bin, frame)
        models = [
            power[..., None, None] * covariance[None, :, None]
            for power, covariance in zip(powers, self.covariances, strict=True)
        ]
        of_mixture = models[0] + models[1]
        level = of_mixture.diagonal(dim1=-2, dim2=-1).real.sum(dim=-1)  # mono bins have no inverse
        of_mixture = of_mixture + (_RELATIVE_EPS * level + _EPS)[..., None, None] * torch.eye(2)
        heard = torch.linalg.solve(of_mixture, mixture.permute(0, 2, 3, 1)[..., None])  # (batch, bin, frame, 2, 1)
        vocals = (models[0] @ heard)[..., 0].permute(0, 3, 1, 2)
        return self.stft.inverse(vocals, segments.shape[-1]).numpy()


class _Masking:
    """``(batch, 6, sample)``, mixture, vocals and accompaniment in two channels each -> ``(batch, 2, sample)``."""

    def __init__(self, mask: Mask) -> None:
        self.stft = Stft()
        self.mask = mask

    def __call__(self, segments: np.ndarray) -> np.ndarray:
        mixture, vocals, accompaniment = self.stft(torch.from_numpy(segments)).chunk(3, dim=1)
        mask = self.mask(magnitude_of(vocals), magnitude_of(accompaniment))
        return self.stft.inverse(mask * mixture, segments.shape[-1]).numpy()
