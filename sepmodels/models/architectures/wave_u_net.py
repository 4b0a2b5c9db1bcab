"""Wave-U-Net, the other half of the paper's hybrid (Stoller, Ewert and Dixon 2018, their model M1 with stereo input).

Twelve levels of a convolution and the decimation that follows it, twelve of linear interpolation and a convolution
over it and the skip. Convolutions are padded with zeros, as in M1: with the context of their later models, 131,054
samples, a chunk of three seconds would leave a hundredth of a second to learn from. Unlike theirs, each mixture is
divided by its own deviation and the estimate multiplied, so that silence stays silent, and the estimate is not bent by
a tanh; the accompaniment is the mixture minus the vocals, as in all models here.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sepmodels.audio.stft import Stft
from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.models.estimate import Estimate

CHANNELS = 2


@dataclass(frozen=True)
class Config:
    """channels: by how many each level has more. levels: that halve the samples. kernel_down, kernel_up: in samples."""

    channels: int = 24
    levels: int = 12
    kernel_down: int = 15
    kernel_up: int = 5

    def __post_init__(self) -> None:
        if not (self.kernel_down % 2 and self.kernel_up % 2):
            raise ValueError(
                f"kernels ({self.kernel_down}, {self.kernel_up}) must be odd, to be padded alike on both sides"
            )


class Model(nn.Module):
    """Waveform in, waveform out; about 10.3 million parameters by default. It takes no bin statistics."""

    def __init__(self, config: Config, statistics: BinStatistics | None, sample_rate_hz: int) -> None:  # noqa: ARG002
        super().__init__()
        self.sample_rate_hz = sample_rate_hz
        self.stft = Stft()
        self.halved = 2**config.levels
        widths = [config.channels * level for level in range(1, config.levels + 1)]
        inputs = [CHANNELS, *widths[:-1]]
        deepest = widths[-1] + config.channels
        self.down = nn.ModuleList(_convolution(a, b, config.kernel_down) for a, b in zip(inputs, widths, strict=True))
        self.bottom = _convolution(widths[-1], deepest, config.kernel_down)
        self.up = nn.ModuleList(
            _convolution(below + width, width, config.kernel_up)
            for below, width in zip([*widths[1:], deepest], widths, strict=True)
        )
        self.last = nn.Conv1d(widths[0] + CHANNELS, CHANNELS, 1)

    def forward(self, mixture: Tensor) -> Estimate:
        """The vocals in a mixture ``(batch, channel, sample)`` of two channels."""
        length = mixture.shape[-1]
        deviation = mixture.float().square().mean(dim=(1, 2), keepdim=True).sqrt()
        normed = F.pad(mixture.float() / (deviation + 1e-5), (0, -length % self.halved))
        vocals = self._network(normed).float() * deviation
        return Estimate.from_waveform(vocals[..., :length], self.stft)

    def _network(self, mixture: Tensor) -> Tensor:
        x, skips = mixture, []
        for level in self.down:
            x = level(x)
            skips.append(x)
            x = x[..., ::2]
        x = self.bottom(x)
        for level in reversed(self.up):
            x = F.interpolate(x, scale_factor=2.0, mode="linear")
            x = level(torch.cat([x, skips.pop()], dim=1))
        vocals: Tensor = self.last(torch.cat([x, mixture], dim=1))
        return vocals


def _convolution(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2), nn.LeakyReLU(0.2))
