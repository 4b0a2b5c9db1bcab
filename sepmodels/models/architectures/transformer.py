"""Open-Unmix with a Transformer encoder in place of its BiLSTM."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.models.architectures.masking import MaskingConfig, MaskingModel


@dataclass(frozen=True)
class Config(MaskingConfig):
    """The encoder.

    layers, heads, feedforward: as in Vaswani et al. 2017; three layers, like the BiLSTM's, and together as
        many parameters.
    dropout: of what each part adds.
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
        self.attention = _Attention(config)
        self.feedforward_norm = nn.LayerNorm(config.hidden)
        self.feedforward = nn.Sequential(
            nn.Linear(config.hidden, config.feedforward, bias=False),
            nn.GELU(),
            nn.Linear(config.feedforward, config.hidden, bias=False),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        fed: Tensor = x + self.dropout(self.feedforward(self.feedforward_norm(x)))
        return fed


class _Attention(nn.Module):
    """Self-attention with rotary positions: ``(batch, frame, hidden)`` -> the same shape."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads = config.heads
        self.context_frames = config.context_frames
        self.qkv = nn.Linear(config.hidden, 3 * config.hidden, bias=False)
        self.output = nn.Linear(config.hidden, config.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, frames, hidden = x.shape
        q, k, v = self.qkv(x).view(batch, frames, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = local_attention(rotate(q), rotate(k), v, self.context_frames)
        projected: Tensor = self.output(attended.transpose(1, 2).reshape(batch, frames, hidden))
        return projected


def local_attention(q: Tensor, k: Tensor, v: Tensor, context: int) -> Tensor:
    """Attention of every frame to those at most ``context`` frames away.

    Frames are cut into blocks as long as the context, so that a block's keys are in three blocks: the one
    before, its own and the one after. What is no longer than three blocks is one block.

    Shape:
        q, k, v: ``(batch, head, frame, feature)`` -> the same shape.
    """
    batch, heads, frames, features = q.shape
    if frames <= 3 * context:
        place = torch.arange(frames, device=q.device)
        near = (place[:, None] - place).abs() <= context
        return F.scaled_dot_product_attention(q, k, v, attn_mask=near)

    blocks = (frames + context - 1) // context
    queries = F.pad(q, (0, 0, 0, blocks * context - frames))
    queries = queries.view(batch, heads, blocks, context, features).transpose(1, 2).flatten(0, 1)
    keys, values = (_neighbourhoods(x, context, blocks) for x in (k, v))
    visible = _visible(frames, blocks, context, q.device).repeat(batch, 1, 1, 1)
    attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible)
    attended = attended.view(batch, blocks, heads, context, features).transpose(1, 2)
    return attended.reshape(batch, heads, blocks * context, features)[:, :, :frames]


def _neighbourhoods(x: Tensor, context: int, blocks: int) -> Tensor:
    """``(batch, head, frame, feature)`` -> ``(batch * block, head, frame of three blocks, feature)``."""
    padded = F.pad(x, (0, 0, context, (blocks + 1) * context - x.shape[2]))
    return padded.unfold(2, 3 * context, context).permute(0, 2, 1, 4, 3).flatten(0, 1)


def _visible(frames: int, blocks: int, context: int, device: torch.device) -> Tensor:
    """Which keys a query may see: ``(block, 1, frame of the block, frame of three blocks)``."""
    first = torch.arange(blocks, device=device)[:, None, None, None] * context
    query = first + torch.arange(context, device=device)[:, None]
    key = first + torch.arange(3 * context, device=device) - context
    near = (query - key).abs() <= context
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
