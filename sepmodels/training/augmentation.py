"""What is drawn for each training chunk, and how its stems become a mixture: gain, channel swap, remix.

The augmentation is Open-Unmix's (``openunmix/data.py``, 1.3.0): every stem gets a uniform gain and, with some
probability, its channels swapped; with ``remix`` every stem comes from a track of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sepmodels.settings import TrainingSettings

STEMS = 4  # drums, bass, other, vocals: sepmodels.audio.STREAMS without the mixture
VOCALS = 3
FULL_SCALE = 32768.0

Int16s = np.ndarray[Any, np.dtype[np.int16]]
Floats = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Draws:
    """Every random decision of one batch; each tensor is (batch, stem).

    track: index of the track that the stem is taken from, int64.
    start: first sample of the chunk in that track, int64.
    swap: whether the two channels change places, bool.
    gain: factor on the stem, float32.
    """

    track: torch.Tensor
    start: torch.Tensor
    swap: torch.Tensor
    gain: torch.Tensor

    def part(self, rank: int, ranks: int) -> "Draws":
        """The share of this batch that belongs to one of ``ranks`` processes: every ``ranks``-th chunk."""
        mine = slice(rank, None, ranks)
        return Draws(self.track[mine], self.start[mine], self.swap[mine], self.gain[mine])


def draw(generator: torch.Generator, positions: torch.Tensor, settings: TrainingSettings) -> Draws:
    """Draw one batch from ``generator``, always the same amount of randomness in the same order.

    Tracks are equally likely whatever their length, as in Open-Unmix. With ``settings.remix`` each stem has
    its own track and position (Open-Unmix's ``random_track_mix``); without, the four stems of a chunk come
    from one place of one track.

    positions: (track,) int64, how many starts each track allows (at least 1).
    """
    own = STEMS if settings.remix else 1
    track = torch.randint(len(positions), (settings.batch, own), generator=generator)
    where = torch.rand((settings.batch, own), generator=generator, dtype=torch.float64)
    swap = torch.rand((settings.batch, STEMS), generator=generator) < settings.swap_probability
    gain = torch.rand((settings.batch, STEMS), generator=generator)
    shape = (settings.batch, STEMS)
    return Draws(
        track=track.expand(shape),
        start=(where * positions[track]).long().expand(shape),
        swap=swap,
        gain=settings.gain_low + (settings.gain_high - settings.gain_low) * gain,
    )


def mix(stems: torch.Tensor, gain: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale the stems of a whole batch, and sum them to mixtures.

    stems: int16 (batch, stem, channel, sample); gain: float32 (batch, stem), on the same device.
    Returns mixture and target (the vocals), float32 (batch, channel, sample).

    >>> stems = torch.tensor([[[[16384]], [[0]], [[0]], [[8192]]]], dtype=torch.int16)
    >>> mixture, target = mix(stems, torch.tensor([[0.5, 1.0, 1.0, 1.0]]))
    >>> mixture.item(), target.item()
    (0.5, 0.25)
    """
    scaled = stems.float().mul_((gain / FULL_SCALE)[:, :, None, None])
    mixture = scaled[:, 0] + scaled[:, 1]
    mixture += scaled[:, 2]
    mixture += scaled[:, VOCALS]
    return mixture, scaled[:, VOCALS].clone()  # a copy, so that the other stems' memory is free


def mix_chunk(stems: Sequence[Int16s], gain: Floats, mixture: Floats, target: Floats) -> None:
    """:func:`mix` for one chunk, by NumPy, into ``mixture`` and ``target``: bit for bit the same.

    On a CPU this is faster: a chunk stays in the cache, and several threads can mix a chunk each.

    stems: int16 (channel, sample) each; gain: float32 (stem,); mixture, target: float32 (channel, sample).
    """
    scale = gain / np.float32(FULL_SCALE)
    scaled = np.empty_like(mixture)
    for number, (stem, factor) in enumerate(zip(stems, scale, strict=True)):
        room = (mixture, scaled, scaled, target)[number]
        np.copyto(room, stem)
        room *= factor
        if number > 0:
            mixture += room
