"""TFC-TDF: a U-Net of convolutions over bins and frames, with layers that see all bins of a frame (Choi et al. 2020).

From Kim et al. 2021 ("KUIELab-MDX-Net"): real and imaginary parts are channels, and skips are multiplied. To be light
enough for a CPU, bins are cut into subbands that are channels, too (Liu et al. 2020, "Channel-wise subband input").
"""

from dataclasses import dataclass
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.models.complex_mask import CHANNELS, PARTS, ComplexMaskModel


@dataclass(frozen=True)
class Config:
    """The network.

    n_fft, hop: the STFT. subbands: into how many channels its bins are cut.
    channels: of the first level, and by how many each next one has more. levels: that halve bins and frames.
    convolutions: in each block. bottleneck: by how much its layer over all bins is narrower than they are.
    """

    n_fft: int = 4096
    hop: int = 1024
    subbands: int = 8
    channels: int = 24
    levels: int = 3
    convolutions: int = 2
    bottleneck: int = 8


class Model(ComplexMaskModel):
    """The U-Net. It takes no bin statistics: each mixture is divided by its own deviation."""

    def __init__(self, config: Config, statistics: BinStatistics | None, sample_rate_hz: int) -> None:  # noqa: ARG002
        super().__init__(config.n_fft, config.hop, sample_rate_hz)
        self.subbands, self.halved = config.subbands, 2**config.levels
        unit = config.subbands * self.halved
        self.padded_bins = -(-self.stft.bins // unit) * unit
        values = CHANNELS * PARTS * config.subbands
        widths = [config.channels * (level + 1) for level in range(config.levels + 1)]
        sizes = [self.padded_bins // config.subbands // 2**level for level in range(config.levels + 1)]
        self.first = _normed(nn.Conv2d(values, widths[0], 1, bias=False), widths[0])
        self.encoder = nn.ModuleList(_Block(width, size, config) for width, size in zip(widths, sizes, strict=True))
        self.down = nn.ModuleList(_normed(nn.Conv2d(a, b, 2, 2, bias=False), b) for a, b in pairwise(widths))
        self.up = nn.ModuleList(_normed(nn.ConvTranspose2d(b, a, 2, 2, bias=False), a) for a, b in pairwise(widths))
        self.decoder = nn.ModuleList(
            _Block(width, size, config) for width, size in zip(widths[:-1], sizes[:-1], strict=True)
        )
        self.last = nn.Conv2d(widths[0], values, 1)

    def mask(self, parts: Tensor) -> Tensor:
        """The complex mask; see :meth:`ComplexMaskModel.mask`."""
        batch, _, _, bins, frames = parts.shape
        deviation = parts.square().mean(dim=(1, 2, 3, 4), keepdim=True).sqrt()
        x = F.pad(parts / (deviation + 1e-5), (0, -frames % self.halved, 0, self.padded_bins - bins))
        x = x.reshape(batch, CHANNELS * PARTS * self.subbands, self.padded_bins // self.subbands, -1)
        x = self._network(x.transpose(2, 3))
        x = x.transpose(2, 3).reshape(batch, CHANNELS, PARTS, self.padded_bins, -1)
        return x[..., :bins, :frames]

    def _network(self, x: Tensor) -> Tensor:
        """``(batch, value, frame, bin of a subband)`` -> the same shape."""
        x = self.first(x)
        skips = []
        for block, down in zip(self.encoder, self.down, strict=False):
            x = block(x)
            skips.append(x)
            x = down(x)
        x = self.encoder[-1](x)
        for level in reversed(range(len(skips))):
            x = self.decoder[level](self.up[level](x) * skips[level])
        last: Tensor = self.last(x)
        return last


class _Block(nn.Module):
    """Convolutions over frames and bins, and a layer over all bins: ``(batch, channel, frame, bin)`` -> the same."""

    def __init__(self, channels: int, bins: int, config: Config) -> None:
        super().__init__()
        narrow = max(1, bins // config.bottleneck)
        self.local = nn.Sequential(
            *(
                _normed(nn.Conv2d(channels, channels, 3, padding=1, bias=False), channels)
                for _ in range(config.convolutions)
            )
        )
        self.over_bins = nn.Sequential(
            _normed(nn.Linear(bins, narrow, bias=False), channels),
            _normed(nn.Linear(narrow, bins, bias=False), channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.local(x)
        over: Tensor = x + self.over_bins(x)
        return over


def _normed(layer: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.ReLU())
