"""A spectrogram as a short sequence of bands, narrow below and wide above, and a complex mask made from it.

From Luo and Yu 2023 ("Music source separation with band-split RNN"): each band is normalised and mapped to as many
features as any other, so that one network models them all; at the end each band has a small network of its own that
makes its part of the mask. Bands that are normalised say nothing of how loud they are beside each other, so each also
gives its level, which is our addition.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sepmodels.models.complex_mask import CHANNELS, PARTS

_LINEAR_BELOW_HZ = 1000  # bands are equally wide up to about here, as in Luo and Yu's choices for vocals
_QUIETEST = 1e-5  # of full scale: -100 dB; below that a band is as good as silent


def band_widths(bands: int, n_fft: int, sample_rate_hz: int) -> list[int]:
    """How many bins each band has, from the lowest: all together, those of the STFT.

    Their borders are equally spaced on a scale that is linear below 1 kHz and logarithmic above, as hearing's are.

    >>> sum(band_widths(28, 2048, 44_100))
    1025
    >>> band_widths(28, 2048, 44_100)[0], band_widths(28, 2048, 44_100)[-1]
    (6, 114)

    Raises ValueError where there are more bands than bins could fill.
    """
    bins = n_fft // 2 + 1
    highest = _scaled(sample_rate_hz / 2)
    borders = [0]
    for number in range(1, bands):
        border = round(_in_hz(highest * number / bands) * n_fft / sample_rate_hz)
        borders.append(max(border, borders[-1] + 1))
    borders.append(bins)
    widths = [above - below for below, above in pairwise(borders)]
    if bands < 1 or min(widths) < 1:
        raise ValueError(f"bands ({bands}) must be from 1 to what {bins} bins of the STFT can fill")
    return widths


def _scaled(frequency_hz: float) -> float:
    return math.log1p(frequency_hz / _LINEAR_BELOW_HZ)


def _in_hz(scaled: float) -> float:
    return _LINEAR_BELOW_HZ * math.expm1(scaled)


class BandSplit(nn.Module):
    """``(batch, channel, 2, bin, frame)`` -> ``(batch, band, frame, feature)``."""

    def __init__(self, widths: list[int], features: int) -> None:
        super().__init__()
        self.widths = widths
        sizes = [CHANNELS * PARTS * width for width in widths]
        self.bands = nn.ModuleList(nn.Linear(size + 1, features) for size in sizes)

    def forward(self, parts: Tensor) -> Tensor:
        """The features of each band in each frame."""
        split = []
        for band, encode in zip(torch.split(parts.float(), self.widths, dim=3), self.bands, strict=True):
            values = band.permute(0, 4, 1, 2, 3).flatten(2)  # (batch, frame, value)
            level = (values.square().mean(dim=-1, keepdim=True) + _QUIETEST).sqrt()
            split.append(encode(torch.cat([values / level, level.log10()], dim=-1)))
        return torch.stack(split, dim=1)


class BandMask(nn.Module):
    """``(batch, band, frame, feature)`` -> the parts of a complex mask, ``(batch, channel, 2, bin, frame)``."""

    def __init__(self, widths: list[int], features: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(features)
        sizes = [CHANNELS * PARTS * width for width in widths]
        self.bands = nn.ModuleList(
            nn.Sequential(nn.Linear(features, hidden), nn.Tanh(), nn.Linear(hidden, 2 * size)) for size in sizes
        )

    def forward(self, x: Tensor) -> Tensor:
        """The mask."""
        normed = self.norm(x).unbind(dim=1)
        masks = []
        for band, decode in zip(normed, self.bands, strict=True):
            values = F.glu(decode(band), dim=-1).float()
            batch, frames, _ = values.shape
            masks.append(values.view(batch, frames, CHANNELS, PARTS, -1).permute(0, 2, 3, 4, 1))
        return torch.cat(masks, dim=3)
