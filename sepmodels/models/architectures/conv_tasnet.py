"""Conv-TasNet (Luo and Mesgarani 2019), by torchaudio: a mask on a learned transform, by dilated convolutions."""

from dataclasses import dataclass

import torch
import torchaudio.models
from torch import Tensor, nn

from sepmodels.audio.stft import Stft
from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.models.estimate import Estimate

CHANNELS = 2


@dataclass(frozen=True)
class Config:
    """The network, with the paper's letters.

    kernel: L, in samples; the hop is half of it. features: N, of the learned transform. bottleneck: B. hidden: H.
    layers: X, dilated by 1, 2, 4... stacks: R of these.
    """

    kernel: int = 160
    features: int = 256
    bottleneck: int = 96
    hidden: int = 192
    layers: int = 8
    stacks: int = 3


class Model(nn.Module):
    """``torchaudio.models.ConvTasNet`` for one source; each channel is separated by itself. It takes no bin statistics.

    It normalises over the whole of what it is given, so its estimate of a passage depends a little on what is around.
    """

    def __init__(self, config: Config, statistics: BinStatistics | None, sample_rate_hz: int) -> None:  # noqa: ARG002
        super().__init__()
        self.sample_rate_hz = sample_rate_hz
        self.stft = Stft()
        self.network = torchaudio.models.ConvTasNet(
            num_sources=1,
            enc_kernel_size=config.kernel,
            enc_num_feats=config.features,
            msk_num_feats=config.bottleneck,
            msk_num_hidden_feats=config.hidden,
            msk_num_layers=config.layers,
            msk_num_stacks=config.stacks,
        )

    def forward(self, mixture: Tensor) -> Estimate:
        """The vocals in a mixture ``(batch, channel, sample)`` of two channels."""
        channels = mixture.float().flatten(0, 1)[:, None]
        with torch.autocast(mixture.device.type, enabled=False):  # its norms square what may be small
            vocals = self.network(channels)
        return Estimate.from_waveform(vocals.view(-1, CHANNELS, mixture.shape[-1]), self.stft)
