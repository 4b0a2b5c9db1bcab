"""What Open-Unmix does before and after its sequence model, shared by the architectures that replace the latter."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sepmodels.audio.stft import Stft, magnitude_of
from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.errors import UserError
from sepmodels.models.estimate import Estimate

CHANNELS = 2


@dataclass(frozen=True)
class MaskingConfig:
    """n_fft, hop: the STFT. hidden: features per frame. bandwidth_hz: what the model sees of the mixture."""

    n_fft: int = 4096
    hop: int = 1024
    hidden: int = 512
    bandwidth_hz: float = 16_000


class MaskingModel(nn.Module):
    """A soft mask on the mixture's magnitudes, with the mixture's phase (Stöter et al. 2019, Open-Unmix).

    Bins up to the bandwidth are scaled to mean 0 and deviation 1 by learned values that begin at the
    statistics, encoded to ``hidden`` features a frame, passed through a sequence model (a subclass's
    :meth:`sequence`) with a concatenating skip, and decoded to all bins; a rectified, learned affine map of that
    is the mask. Parameters are named as in ``openunmix.model.OpenUnmix``, so that its weights can be loaded.
    """

    def __init__(self, config: MaskingConfig, statistics: BinStatistics | None, sample_rate_hz: int) -> None:
        super().__init__()
        self.sample_rate_hz = sample_rate_hz
        self.stft = Stft(config.n_fft, config.hop)
        bins, hidden = self.stft.bins, config.hidden
        self.input_bins = min(bins, int(config.bandwidth_hz * config.n_fft / sample_rate_hz) + 1)

        self.fc1 = nn.Linear(self.input_bins * CHANNELS, hidden, bias=False)
        self.bn1 = nn.BatchNorm1d(hidden)
        self.fc2 = nn.Linear(hidden * 2, hidden, bias=False)
        self.bn2 = nn.BatchNorm1d(hidden)
        self.fc3 = nn.Linear(hidden, bins * CHANNELS, bias=False)
        self.bn3 = nn.BatchNorm1d(bins * CHANNELS)

        shift, factor = _input_scaling(statistics, bins)
        self.input_mean = nn.Parameter(shift[: self.input_bins])
        self.input_scale = nn.Parameter(factor[: self.input_bins])
        self.output_scale = nn.Parameter(torch.ones(bins))
        self.output_mean = nn.Parameter(torch.ones(bins))

    def sequence(self, frames: Tensor) -> Tensor:
        """The sequence model: ``(frame, batch, hidden)`` -> the same shape."""
        raise NotImplementedError

    def mask(self, magnitudes: Tensor) -> Tensor:
        """The soft mask, not negative, for magnitudes ``(batch, channel, bin, frame)``, of the same shape."""
        batch, channels, bins, frames = magnitudes.shape
        x = magnitudes[:, :, : self.input_bins].permute(3, 0, 1, 2)  # (frame, batch, channel, bin)
        x = (x + self.input_mean) * self.input_scale
        x = self.bn1(self.fc1(x.reshape(frames * batch, -1)))
        x = torch.tanh(x).reshape(frames, batch, -1)
        x = torch.cat([x, self.sequence(x)], dim=-1)
        x = torch.relu(self.bn2(self.fc2(x.reshape(frames * batch, -1))))
        x = self.bn3(self.fc3(x)).reshape(frames, batch, channels, bins)
        return torch.relu(x * self.output_scale + self.output_mean).permute(1, 2, 3, 0)

    def forward(self, mixture: Tensor) -> Estimate:
        """The vocals in a mixture ``(batch, channel, sample)`` of two channels."""
        spectrogram = self.stft(mixture)
        magnitudes = magnitude_of(spectrogram)
        return Estimate.from_mask(self.mask(magnitudes), spectrogram, magnitudes, self.stft, mixture.shape[-1])


def _input_scaling(statistics: BinStatistics | None, bins: int) -> tuple[Tensor, Tensor]:
    """What to add to each bin, and then to multiply it by, so that it has mean 0 and deviation 1."""
    if statistics is None:
        return torch.zeros(bins), torch.ones(bins)
    if len(statistics.mean) != bins:
        raise UserError(
            f"The bin statistics have {len(statistics.mean)} bins and the model has {bins}: "
            "make the statistics with the model's n_fft."
        )
    shift, factor = -statistics.mean, 1 / statistics.scale
    return torch.from_numpy(shift.astype(np.float32)), torch.from_numpy(factor.astype(np.float32))
