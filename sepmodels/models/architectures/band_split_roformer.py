"""A band-split RoFormer: attention along time and along bands, in turns, makes a complex mask (Lu et al. 2023)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.models.architectures.transformer import local_attention, rotate
from sepmodels.models.band_split import BandMask, BandSplit, band_widths
from sepmodels.models.complex_mask import ComplexMaskModel


@dataclass(frozen=True)
class Config:
    """The network.

    n_fft, hop: the STFT. bands: into which its bins are split.
    features: of each band. layers: pairs of Transformer layers. heads, feedforward, dropout: of each.
    context_frames: how far a frame sees to either side in each layer.
    mask_hidden: of the small network that makes a band's part of the mask.
    """

    n_fft: int = 4096
    hop: int = 1024
    bands: int = 28
    features: int = 64
    layers: int = 4
    heads: int = 4
    feedforward: int = 192
    dropout: float = 0.1
    context_frames: int = 128
    mask_hidden: int = 96

    def __post_init__(self) -> None:
        if self.features % (2 * self.heads):
            raise ValueError(f"features ({self.features}) must be a multiple of twice the heads ({self.heads})")


class Model(ComplexMaskModel):
    """The band-split RoFormer. It takes no bin statistics: each band is divided by its own level.

    As in our Transformer, attention along time is local, so that a long track costs no more than its length.
    """

    def __init__(self, config: Config, statistics: BinStatistics | None, sample_rate_hz: int) -> None:  # noqa: ARG002
        super().__init__(config.n_fft, config.hop, sample_rate_hz)
        widths = band_widths(config.bands, config.n_fft, sample_rate_hz)
        self.split = BandSplit(widths, config.features)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        self.estimate_mask = BandMask(widths, config.features, config.mask_hidden)

    def mask(self, parts: Tensor) -> Tensor:
        """The complex mask; see :meth:`ComplexMaskModel.mask`."""
        x = self.split(parts)
        for layer in self.layers:
            x = layer(x)
        mask: Tensor = self.estimate_mask(x)
        return mask


class _Layer(nn.Module):
    """``(batch, band, frame, feature)`` -> the same shape: along time within each band, then along bands."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.along_time = _Sequence(config, config.context_frames)
        self.along_bands = _Sequence(config, config.bands)

    def forward(self, x: Tensor) -> Tensor:
        x = self.along_time(x)
        along: Tensor = self.along_bands(x.transpose(1, 2)).transpose(1, 2)
        return along


class _Sequence(nn.Module):
    """A Transformer layer along the third axis of ``(batch, other, step, feature)`` -> the same shape."""

    def __init__(self, config: Config, context: int) -> None:
        super().__init__()
        self.heads, self.context = config.heads, context
        self.attention_norm = nn.LayerNorm(config.features)
        self.qkv = nn.Linear(config.features, 3 * config.features, bias=False)
        self.gates = nn.Linear(config.features, config.heads)
        self.output = nn.Linear(config.features, config.features, bias=False)
        self.feedforward = nn.Sequential(
            nn.LayerNorm(config.features),
            nn.Linear(config.features, config.feedforward),
            nn.GELU(),
            nn.Linear(config.feedforward, config.features),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self._attended(self.attention_norm(x)))
        fed: Tensor = x + self.dropout(self.feedforward(x))
        return fed

    def _attended(self, x: Tensor) -> Tensor:
        batch, others, steps, features = x.shape
        x = x.reshape(batch * others, steps, features)
        q, k, v = self.qkv(x).view(batch * others, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = rotate(q), rotate(k)
        if steps <= self.context:  # all see all
            attended = F.scaled_dot_product_attention(q, k, v)
        else:
            attended = local_attention(q, k, v, self.context)
        gate = torch.sigmoid(self.gates(x)).transpose(1, 2)[..., None]  # a head may attend to nothing
        projected: Tensor = self.output((attended * gate).transpose(1, 2).reshape(batch * others, steps, features))
        return projected.view(batch, others, steps, features)
