"""How good a model is on whole, true mixtures that it was not trained on."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ParamSpec, cast
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from sepmodels.machine.within_memory import in_halves
from sepmodels.marks import speed_only
from sepmodels.models.estimate import Estimate
from sepmodels.training.processes import ALONE, World

LONGEST_SEGMENT_SECONDS = 30
SHORTEST_SEGMENT_SECONDS = 6
WINDOW_SECONDS = 1
MIXTURE, VOCALS = 0, 4  # sepmodels.audio.STREAMS
FULL_SCALE = 32768.0

Track = np.ndarray[Any, np.dtype[np.int16]]
Arguments = ParamSpec("Arguments")


@dataclass(frozen=True)
class Segment:
    """An excerpt of a track: track's index, begin and end in samples."""

    track: int
    begin: int
    end: int

    @property
    def samples(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True)
class Validation:
    """loss: the variant's own, averaged over all samples. sdr_db: of the vocals, median of medians (NaN if silent)."""

    loss: float
    sdr_db: float


@speed_only
@dataclass
class _Room:
    """What is known of the memory that a model's validations take: how much fits at once, and what was said of it."""

    batch_seconds: float = float("inf")
    notes: list[str] = field(default_factory=list)


_ROOMS: WeakKeyDictionary[nn.Module, _Room] = WeakKeyDictionary()


@speed_only
def within_memory(validate: Callable[Arguments, Validation]) -> Callable[Arguments, Validation]:
    """A validation that is done again with fewer segments at once where memory is too short for its largest batch.

    Each segment goes through by itself in any case, so that figures differ by rounding alone. A model's later
    validations begin with what fitted. Processes that share the work halve each for itself: they meet at the end.
    """

    @functools.wraps(validate)
    def validated(
        model: nn.Module,
        loss: Callable[[Estimate, Tensor], Tensor],
        tracks: Sequence[Track],
        *,
        device: torch.device,
        sample_rate_hz: int,
        batch_seconds: float,
        world: World = ALONE,
        **others: Any,
    ) -> Validation:
        room = _ROOMS.setdefault(model, _Room())
        allowed = min(batch_seconds, room.batch_seconds)
        largest = _largest_batch(tracks[world.rank :: world.ranks], allowed, sample_rate_hz)
        seconds = largest[0].samples / sample_rate_hz
        untyped = cast(Callable[..., Validation], validate)
        options = {"device": device, "sample_rate_hz": sample_rate_hz, "world": world, **others}

        def attempt(most: int) -> Validation:
            at_once = allowed if most == len(largest) else most * seconds
            return untyped(model, loss, tracks, batch_seconds=at_once, **options)

        def halved(most: int, sentence: str) -> None:
            room.batch_seconds = most * seconds
            room.notes.append(sentence)

        return in_halves(
            attempt,
            len(largest),
            device,
            halved=halved,
            too_much=f"In a validation one segment of {seconds:g} s does not fit in the memory of {device}: end other "
            "programs that use it, raise memory_budget_gb, or train on another device.",
        )

    return cast(Callable[Arguments, Validation], validated)


@speed_only
def _largest_batch(tracks: Sequence[Track], batch_seconds: float, sample_rate_hz: int) -> list[Segment]:
    """Of the most audio; of several, that of the most segments."""
    batches = _batches(_segments(tracks, sample_rate_hz), round(batch_seconds * sample_rate_hz))
    return max(batches, key=lambda batch: (len(batch) * batch[0].samples, len(batch)), default=[Segment(0, 0, 0)])


@speed_only
def memory_notes(model: nn.Module) -> list[str]:
    """What was done for memory in the model's validations, in sentences."""
    room = _ROOMS.get(model)
    return list(room.notes) if room else []


@within_memory
def validate(
    model: nn.Module,
    loss: Callable[[Estimate, Tensor], Tensor],
    tracks: Sequence[Track],
    *,
    device: torch.device,
    sample_rate_hz: int,
    batch_seconds: float,
    between: Callable[[], None] = lambda: None,
    world: World = ALONE,
) -> Validation:
    """Separate the true mixtures of ``tracks``, in segments, and compare with their vocals.

    The SDR is the plain signal-to-noise ratio over windows of one second in which the vocals are not silent
    (BSSEval v4's SDR), median over windows, then over tracks.

    tracks: int16 (stream, channel, sample).
    batch_seconds: how much audio goes through the model at once, at most (but at least one segment).
    between: called between batches; may raise to interrupt.
    world: the processes that share the work, a track each in turn.
    """
    model.eval()
    total_loss, total_samples = 0.0, 0
    windows: dict[int, list[Tensor]] = {index: [] for index in range(world.rank, len(tracks), world.ranks)}
    mine = (segment for segment in _segments(tracks, sample_rate_hz) if segment.track in windows)
    for segments in _batches(mine, round(batch_seconds * sample_rate_hz)):
        between()
        with torch.inference_mode():
            mixture = _waveforms(tracks, segments, MIXTURE, device)
            target = _waveforms(tracks, segments, VOCALS, device)
            estimate = model(mixture)
            with torch.autocast(device.type, enabled=False):
                samples = len(segments) * segments[0].samples
                total_loss += float(loss(estimate, target)) * samples
                total_samples += samples
                ratios = window_sdr_db(target, estimate.waveform, WINDOW_SECONDS * sample_rate_hz).cpu()
        for segment, ratio in zip(segments, ratios, strict=True):
            windows[segment.track].append(ratio)
    medians = torch.zeros(len(tracks), dtype=torch.float64)
    for index, found in windows.items():
        medians[index] = _median(torch.cat(found).numpy())
    loss_and_samples = world.total(torch.tensor([total_loss, total_samples], dtype=torch.float64))
    return Validation(
        loss=float(loss_and_samples[0] / loss_and_samples[1]),
        sdr_db=_median(world.total(medians).numpy()),
    )


def window_sdr_db(reference: Tensor, estimate: Tensor, window_samples: int) -> Tensor:
    """Signal-to-noise ratio per whole window (all of a shorter waveform), in dB; NaN where the reference is silent.

    reference, estimate: (batch, channel, sample). Returns (batch, window).

    >>> reference = torch.ones(1, 2, 8)
    >>> window_sdr_db(reference, 0.9 * reference, 4).round()
    tensor([[20., 20.]])
    """
    window_samples = min(window_samples, reference.shape[-1])
    signal, noise = (
        waveform.unfold(-1, window_samples, window_samples).square().sum((1, 3))
        for waveform in (reference, reference - estimate)
    )
    return torch.where(signal > 0, 10 * torch.log10(signal / noise), torch.nan)


def _median(values: np.ndarray[Any, Any]) -> float:
    kept = values[~np.isnan(values)]
    return float(np.median(kept)) if len(kept) else float("nan")


def _segments(tracks: Sequence[Track], sample_rate_hz: int) -> Iterator[Segment]:
    """Consecutive segments of each track; a last one that would be very short is joined to the one before."""
    longest, shortest = LONGEST_SEGMENT_SECONDS * sample_rate_hz, SHORTEST_SEGMENT_SECONDS * sample_rate_hz
    for index, track in enumerate(tracks):
        end = track.shape[-1]
        begins = range(0, max(1, end - shortest), longest)
        for begin in begins:
            yield Segment(index, begin, end if begin == begins[-1] else begin + longest)


def _batches(segments: Iterator[Segment], most_samples: int) -> Iterator[list[Segment]]:
    """Segments of equal length together, no more than ``most_samples`` at once."""
    in_order = sorted(segments, key=lambda segment: segment.samples)
    for samples, equal in groupby(in_order, key=lambda segment: segment.samples):
        group = list(equal)
        size = max(1, most_samples // samples)
        yield from (group[first : first + size] for first in range(0, len(group), size))


def _waveforms(tracks: Sequence[Track], segments: list[Segment], stream: int, device: torch.device) -> Tensor:
    """Float32 (batch, channel, sample) of equally long segments."""
    pieces = [tracks[s.track][stream, :, s.begin : s.end] for s in segments]
    return torch.from_numpy(np.stack(pieces)).to(device).float() / FULL_SCALE
