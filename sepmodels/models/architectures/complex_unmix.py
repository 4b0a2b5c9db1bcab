"""Open-Unmix with a complex mask in place of the real one: one change, so that a table shows what the mask is worth."""

import torch
from torch import Tensor, nn

from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.models.architectures import open_unmix
from sepmodels.models.complex_mask import CHANNELS, PARTS, ComplexMaskModel

_QUIETEST = 1e-10  # added to a power, so that the magnitude of exact silence has a gradient
_IMAGINARY_SCALE = 0.1  # at first; scales are learned slowly, and a mask that turns all phases at random is a bad start


class Config(open_unmix.Config):
    """That of Open-Unmix."""


class Model(ComplexMaskModel, open_unmix.Model):
    """Open-Unmix's layers. They also see the real and imaginary part of each bin, and give two numbers for it.

    Magnitudes alone do not say which way the phase of the vocals is turned.
    """

    def __init__(self, config: Config, statistics: BinStatistics | None, sample_rate_hz: int) -> None:
        open_unmix.Model.__init__(self, config, statistics, sample_rate_hz)
        bins = self.stft.bins
        self.fc1 = nn.Linear(self.input_bins * CHANNELS * (1 + PARTS), config.hidden, bias=False)
        self.fc3 = nn.Linear(config.hidden, bins * CHANNELS * PARTS, bias=False)
        self.bn3 = nn.BatchNorm1d(bins * CHANNELS * PARTS)
        self.output_scale = nn.Parameter(torch.tensor([1.0, _IMAGINARY_SCALE])[:, None].repeat(1, bins))
        self.output_mean = nn.Parameter(torch.tensor([1.0, 0.0])[:, None].repeat(1, bins))

    def mask(self, parts: Tensor) -> Tensor:
        """The complex mask; see :meth:`ComplexMaskModel.mask`."""
        batch, channels, _, bins, frames = parts.shape
        seen = parts[:, :, :, : self.input_bins]
        magnitude = (seen.square().sum(dim=2, keepdim=True) + _QUIETEST).sqrt()
        x = torch.cat([magnitude + self.input_mean[:, None], seen], dim=2) * self.input_scale[:, None]
        x = x.permute(4, 0, 1, 2, 3).reshape(frames * batch, -1)
        x = torch.tanh(self.bn1(self.fc1(x))).reshape(frames, batch, -1)
        x = torch.cat([x, self.sequence(x)], dim=-1)
        x = torch.relu(self.bn2(self.fc2(x.reshape(frames * batch, -1))))
        x = self.bn3(self.fc3(x)).reshape(frames, batch, channels, PARTS, bins)
        mask: Tensor = (x * self.output_scale + self.output_mean).permute(1, 2, 3, 4, 0)
        return mask
