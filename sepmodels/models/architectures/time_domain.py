"""Open-Unmix x Wave-U-Net: a convolutional encoder and decoder of waveforms around Open-Unmix's BiLSTM.

The paper draws this system in its Figure 3, which is not at hand; this is our reading of it. From Wave-U-Net
(Stoller, Ewert and Dixon 2018): waveform in, waveform out, so that phase is modelled; a contracting and an
expanding path with a skip at every level; the accompaniment as the mixture minus the vocals. From Open-Unmix:
the three BiLSTM layers of 256 a direction, with tanh before them and a concatenating skip around them, in
place of Wave-U-Net's deepest level. The encoder's stride is 4^5 = 1024 samples, Open-Unmix's hop, so that the
BiLSTM sees as many frames a second as it does there. Strided convolutions with gated linear units, skips that
are added and the input normalised by its deviation are from Demucs (Défossez et al. 2019); Wave-U-Net decimates
and interpolates. Batch normalisation follows every convolution, as it follows every linear layer of Open-Unmix:
without it ten levels shrink what varies to a hundredth of what is constant, and the gradients of the BiLSTM to
a billionth of its weights.
"""

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
import torchaudio.functional
from torch import Tensor, nn

from sepmodels.audio.stft import Stft
from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.models.estimate import Estimate
from sepmodels.models.lstm import run_lstm

CHANNELS = 2
KERNEL, STRIDE = 8, 4


@dataclass(frozen=True)
class Config:
    """The network.

    sample_rate_hz: what it works at; 0 is the dataset's own. A lower one costs less, and gives an estimate
        without anything above half of it.
    channels, levels: of the encoder: the first level's channels, doubled at each of the next.
    hidden, layers, dropout: of the BiLSTM, as in Open-Unmix.
    """

    sample_rate_hz: int = 0
    channels: int = 24
    levels: int = 5
    hidden: int = 512
    layers: int = 3
    dropout: float = 0.4

    def __post_init__(self) -> None:
        if self.hidden % 2:
            raise ValueError(f"hidden ({self.hidden}) must be even: each direction of the LSTM makes half of it")


class Model(nn.Module):
    """The vocals' waveform from the mixture's; see the module for its sources.

    It takes no bin statistics: each mixture is divided by its own deviation, and the estimate multiplied.
    """

    def __init__(self, config: Config, statistics: BinStatistics | None, sample_rate_hz: int) -> None:  # noqa: ARG002
        super().__init__()
        self.sample_rate_hz = sample_rate_hz
        self.inner_rate_hz = config.sample_rate_hz or sample_rate_hz
        self.hop = STRIDE**config.levels
        self.stft = Stft()
        widths = [CHANNELS, *(config.channels * 2**level for level in range(config.levels))]
        self.encoder = nn.ModuleList(_encoder_level(a, b) for a, b in itertools.pairwise(widths))
        self.bottleneck = _Bottleneck(widths[-1], config)
        self.decoder = nn.ModuleList(
            _decoder_level(b, a, last=a == CHANNELS) for a, b in reversed(list(itertools.pairwise(widths)))
        )

    def forward(self, mixture: Tensor) -> Estimate:
        """The vocals in a mixture ``(batch, channel, sample)`` of two channels."""
        vocals = _resampled(mixture.float(), self.sample_rate_hz, self.inner_rate_hz)
        vocals = self._separate(vocals)
        vocals = _resampled(vocals.float(), self.inner_rate_hz, self.sample_rate_hz)
        length = mixture.shape[-1]
        vocals = F.pad(vocals, (0, max(0, length - vocals.shape[-1])))[..., :length]
        return Estimate.from_waveform(vocals, self.stft)

    def _separate(self, mixture: Tensor) -> Tensor:
        length = mixture.shape[-1]
        deviation = mixture.square().mean(dim=(1, 2), keepdim=True).sqrt()
        x = F.pad(mixture / (deviation + 1e-5), (0, -length % self.hop))
        skips = []
        for level in self.encoder:
            x = level(x)
            skips.append(x)
        x = self.bottleneck(x)
        for level in self.decoder:
            x = level(x + skips.pop())
        vocals: Tensor = x[..., :length] * deviation
        return vocals


class _Bottleneck(nn.Module):
    """Open-Unmix's three BiLSTM layers with a concatenating skip: ``(batch, channel, frame)`` -> the same shape."""

    def __init__(self, channels: int, config: Config) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, config.hidden, bias=False)
        self.bn1 = nn.BatchNorm1d(config.hidden)
        self.lstm = nn.LSTM(
            config.hidden, config.hidden // 2, config.layers, bidirectional=True, dropout=config.dropout
        )
        self.fc2 = nn.Linear(2 * config.hidden, config.hidden, bias=False)
        self.bn2 = nn.BatchNorm1d(config.hidden)
        self.fc3 = nn.Linear(config.hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(2, 0, 1)  # (frame, batch, channel)
        x = torch.tanh(_over_features(self.bn1, self.fc1(x)))
        x = torch.cat([x, run_lstm(self.lstm, x)], dim=-1)
        x = torch.relu(_over_features(self.bn2, self.fc2(x)))
        decoded: Tensor = self.fc3(x)
        return decoded.permute(1, 2, 0)


def _over_features(norm: nn.Module, x: Tensor) -> Tensor:
    """Batch normalisation of the last axis of ``(frame, batch, feature)``."""
    normed: Tensor = norm(x.flatten(0, 1))
    return normed.view_as(x)


def _encoder_level(inputs: int, outputs: int) -> nn.Sequential:
    """``(batch, inputs, sample)`` -> ``(batch, outputs, sample / 4)``."""
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, KERNEL, STRIDE, padding=(KERNEL - STRIDE) // 2, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(),
        nn.Conv1d(outputs, 2 * outputs, 1, bias=False),
        nn.BatchNorm1d(2 * outputs),
        nn.GLU(dim=1),
    )


def _decoder_level(inputs: int, outputs: int, *, last: bool) -> nn.Sequential:
    """``(batch, inputs, sample)`` -> ``(batch, outputs, 4 sample)``; the last one's output is the waveform."""
    level = nn.Sequential(
        nn.Conv1d(inputs, 2 * inputs, 3, padding=1, bias=False),
        nn.BatchNorm1d(2 * inputs),
        nn.GLU(dim=1),
        nn.ConvTranspose1d(inputs, outputs, KERNEL, STRIDE, padding=(KERNEL - STRIDE) // 2, bias=last),
    )
    if not last:
        level.extend([nn.BatchNorm1d(outputs), nn.ReLU()])
    return level


def _resampled(waveform: Tensor, from_hz: int, to_hz: int) -> Tensor:
    if from_hz == to_hz:
        return waveform
    resampled: Tensor = torchaudio.functional.resample(waveform, from_hz, to_hz)
    return resampled
