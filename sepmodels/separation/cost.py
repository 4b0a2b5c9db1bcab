"""What a separation costs: the size of the model, its multiply-adds, its time and its memory."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.machine.memory import GIB
from sepmodels.machine.processor_time import OthersWork

SONG_SECONDS = 30
TURNS = 3
MOST_OF_OTHERS = 0.1  # of the processors


@dataclass(frozen=True)
class Cost:
    """What one system costs; None for what is not known of it.

    version: of what was measured, and where.
    real_time_factor: seconds that pass to separate one second of audio.
    peak_memory_gib: of the process, and of those that it started, with libraries and all.
    multiply_adds_per_second: for one second of stereo audio. model_bytes: of the model's file.
    """

    version: str
    real_time_factor: float
    peak_memory_gib: float
    multiply_adds_per_second: float | None = None
    model_bytes: int | None = None


def multiply_adds(model: nn.Module, sample_rate_hz: int = SAMPLE_RATE_HZ) -> float:
    """How many multiplications with an addition the model needs for one second of stereo audio.

    Those of matrix products, convolutions and attention, as torch counts them. FFTs and what is done element by element
    are not counted.
    """
    mixture = torch.randn(1, 2, sample_rate_hz, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode(), _known_operations(), FlopCounterMode(display=False) as counter:
        model(mixture).waveform  # noqa: B018  made when it is read
    return float(counter.get_total_flops()) / 2


def multiply_adds_of(separate: Callable[[np.ndarray], object], song: np.ndarray) -> float:
    """The same of what separates a whole song, float32 ``(2, sample)``, in chunks that overlap."""
    with torch.inference_mode(), _known_operations(), FlopCounterMode(display=False) as counter:
        separate(song)
    return float(counter.get_total_flops() * SAMPLE_RATE_HZ / (2 * song.shape[1]))


@contextmanager
def _known_operations() -> Iterator[None]:
    """oneDNN's LSTM is one operation, which the counter does not know; without it, the LSTM is matrix products."""
    (before, *_) = torch.backends.mkldnn.set_flags(False)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        torch.backends.mkldnn.set_flags(before)  # type: ignore[no-untyped-call]


def time_and_memory(separate: Callable[[np.ndarray], object], song: np.ndarray) -> tuple[float, float]:
    """The real-time factor of a separation, and the most memory of this process and its children so far, in GiB.

    The time is the shortest of three. A second of the song is separated before, so that what is only loaded once is not
    timed.

    song: float32 ``(2, sample)``.

    Raises UserError where other programs kept the processors busy meanwhile: the time would be theirs, too.
    """
    separate(song[:, :SAMPLE_RATE_HZ])
    others = OthersWork()
    seconds = min(_seconds_of(separate, song) for _ in range(TURNS))
    if (share := others.share()) > MOST_OF_OTHERS:
        raise UserError(f"Other programs kept {share:.0%} of the processors busy: measure again when they are done.")
    used = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return seconds * SAMPLE_RATE_HZ / song.shape[1], used * 1024 / GIB


def _seconds_of(separate: Callable[[np.ndarray], object], song: np.ndarray) -> float:
    began = time.perf_counter()
    separate(song)
    return time.perf_counter() - began
