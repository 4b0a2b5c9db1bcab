"""Open-Unmix with a Transformer encoder in place of its BiLSTM."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sepmodels.models.masking import MaskingConfig, MaskingModel
from sepmodels.statistics import BinStatistics


@dataclass(frozen=True)
class Config(MaskingConfig):
    """The encoder.

    layers, heads, feedforward, dropout: as in Vaswani et al. 2017; three layers, like the BiLSTM's, and
        together as many parameters.
    context_frames: how far a frame sees to either side in each layer.
    """

    layers: int = 3
    heads: int = 8
    feedforward: int = 512
    dropout: float = 0.1
    context_frames: int = 128

    def __post_init__(self) -> None:
        if self.hidden % (2 * self.heads):
            raise ValueError(f"hidden ({self.hidden}) must be a multiple of twice the heads ({self.heads})")


class Model(MaskingModel):
    """Open-Unmix whose sequence model is a Transformer encoder: pre-norm, rotary positions, local attention.

    Positions are rotary (RoFormer, Su et al. 2021): separation with masks loses several dB without them.
    Attention is local (as in Longformer, Beltagy et al. 2020): distances at inference are then those seen in
    training, however long the track is, and time and memory grow with its length, not with the square of it.
    """

    def __init__(self, config: Config, statistics: BinStatistics | None, sample_rate_hz: int) -> None:
        super().__init__(config, statistics, sample_rate_hz)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.hidden)

    def sequence(self, frames: Tensor) -> Tensor:
        """``(frame, batch, hidden)`` -> the same shape."""
        x = frames.transpose(0, 1)
        for layer in self.layers:
            x = layer(x)
        normed: Tensor = self.norm(x)
        return normed.transpose(0, 1)


class _Layer(nn.Module):
    """One encoder layer, normalised before each part: ``(batch, frame, hidden)`` -> the same shape."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.hidden)
        self.attention = _LocalAttention(config)
        self.feedforward_norm = nn.LayerNorm(config.hidden)
        self.feedforward = nn.Sequential(
            nn.Linear(config.hidden, config.feedforward, bias=False),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.feedforward, config.hidden, bias=False),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        fed: Tensor = x + self.dropout(self.feedforward(self.feedforward_norm(x)))
        return fed


class _LocalAttention(nn.Module):
    """Self-attention within ``context_frames`` to either side: ``(batch, frame, hidden)`` -> the same shape.

    Frames are cut into blocks as long as the context, so that a block's keys are in three blocks: the one
    before, its own and the one after.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads = config.heads
        self.context = config.context_frames
        self.dropout = config.dropout
        self.qkv = nn.Linear(config.hidden, 3 * config.hidden, bias=False)
        self.output = nn.Linear(config.hidden, config.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, frames, hidden = x.shape
        blocks = -(-frames // self.context)
        x = F.pad(x, (0, 0, 0, blocks * self.context - frames))
        q, k, v = self.qkv(x).view(batch, blocks * self.context, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = rotate(q), rotate(k)  # (batch, head, frame, feature)
        attended = F.scaled_dot_product_attention(
            self._blocks(q),
            self._neighbourhoods(k),
            self._neighbourhoods(v),
            attn_mask=self._visible(frames, blocks, x.device).repeat(batch, 1, 1, 1),
            dropout_p=self.dropout if self.training else 0.0,
        )  # (batch * block, head, frame of the block, feature)
        attended = attended.transpose(1, 2).reshape(batch, blocks * self.context, hidden)
        projected: Tensor = self.output(attended[:, :frames])
        return projected

    def _blocks(self, x: Tensor) -> Tensor:
        """``(batch, head, frame, feature)`` -> ``(batch * block, head, frame of the block, feature)``."""
        batch, heads, frames, features = x.shape
        x = x.view(batch, heads, frames // self.context, self.context, features)
        return x.transpose(1, 2).flatten(0, 1)

    def _neighbourhoods(self, x: Tensor) -> Tensor:
        """``(batch, head, frame, feature)`` -> ``(batch * block, head, frame of three blocks, feature)``."""
        padded = F.pad(x, (0, 0, self.context, self.context))
        return padded.unfold(2, 3 * self.context, self.context).permute(0, 2, 1, 4, 3).flatten(0, 1)

    def _visible(self, frames: int, blocks: int, device: torch.device) -> Tensor:
        """Which keys a query may see: ``(block, 1, frame of the block, frame of three blocks)``."""
        first = torch.arange(blocks, device=device)[:, None, None, None] * self.context
        query = first + torch.arange(self.context, device=device)[:, None]
        key = first + torch.arange(3 * self.context, device=device) - self.context
        near = (query - key).abs() <= self.context
        padding = (query >= frames) & (key == query)  # a row must see something: softmax of nothing is NaN
        return (near & (key >= 0) & (key < frames)) | padding


def rotate(x: Tensor) -> Tensor:
    """Rotary position embedding (Su et al. 2021, equation 34), in float32.

    Pairs of features turn with the position, each pair at its own speed, so that the product of a query and a
    key depends on how far apart they are.

    Shape:
        x: ``(..., frame, feature)``, an even number of features -> the same shape.
    """
    frames, features = x.shape[-2:]
    pairs = torch.arange(features // 2, device=x.device, dtype=torch.float32)
    speeds = 10_000.0 ** (-pairs / (features // 2))
    angles = torch.arange(frames, device=x.device, dtype=torch.float32)[:, None] * speeds
    first, second = x.float().chunk(2, dim=-1)
    cosine, sine = angles.cos(), angles.sin()
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1).to(x.dtype)
