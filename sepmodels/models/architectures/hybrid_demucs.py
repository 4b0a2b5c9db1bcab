"""Hybrid Demucs (Défossez 2021), by torchaudio: a U-Net of waveforms and one of spectrograms, which meet."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
import torchaudio.models
from torch import Tensor, nn

from sepmodels.audio.stft import Stft
from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.models.estimate import Estimate


@dataclass(frozen=True)
class Config:
    """channels: of the first of six levels, doubled at each next one (48 as published). n_fft: of its STFT."""

    channels: int = 12
    n_fft: int = 4096


class Model(nn.Module):
    """``torchaudio.models.HDemucs`` for one source, in float32. It takes no bin statistics."""

    def __init__(self, config: Config, statistics: BinStatistics | None, sample_rate_hz: int) -> None:  # noqa: ARG002
        super().__init__()
        self.sample_rate_hz = sample_rate_hz
        self.stft = Stft()
        self.shortest = 2 * config.n_fft  # what its reflecting padding needs
        self.network = torchaudio.models.HDemucs(["vocals"], nfft=config.n_fft, channels=config.channels)
        self.network.time_encoder[
            -1
        ].norm1 = nn.Identity()  # where both meet it is never asked, and would learn nothing

    def forward(self, mixture: Tensor) -> Estimate:
        """The vocals in a mixture ``(batch, channel, sample)`` of two channels."""
        length = mixture.shape[-1]
        padded = F.pad(mixture.float(), (0, max(0, self.shortest - length)))
        with torch.autocast(mixture.device.type, enabled=False):  # it has LSTMs: sepmodels.models.lstm
            vocals = self.network(padded)[:, 0]
        return Estimate.from_waveform(vocals[..., :length], self.stft)
