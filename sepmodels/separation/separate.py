"""Separation of recordings of any length, channels and sample rate, in memory that their length does not change."""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import torch
from torch import nn

from sepmodels.audio.io import resample
from sepmodels.audio.recordings import ArrayRecording, Recording
from sepmodels.errors import UserError
from sepmodels.machine.devices import keep_freed_memory
from sepmodels.models.estimate import Estimate
from sepmodels.progress import Progress, silent
from sepmodels.separation.wiener import wiener_filter
from sepmodels.settings import SeparationSettings

Process = Callable[[np.ndarray], np.ndarray]


def separate(
    model: nn.Module,
    mixture: np.ndarray,
    settings: SeparationSettings,
    *,
    wiener_iterations: int = 0,
    device: str | torch.device = "cpu",
    progress: Progress = silent,
) -> np.ndarray:
    """The vocals in a mixture of the model's own sample rate; the accompaniment is the mixture minus them.

    Shape:
        mixture ``(channel, sample)``, float -> float32 of the same shape.

    Raises :class:`UserError` as :func:`separate_blocks` does.
    """
    return separate_song(
        model,
        mixture,
        sample_rate_of(model),
        settings,
        wiener_iterations=wiener_iterations,
        device=device,
        progress=progress,
    )


def separate_song(
    model: nn.Module,
    waveform: np.ndarray,
    sample_rate_hz: int,
    settings: SeparationSettings,
    *,
    wiener_iterations: int = 0,
    device: str | torch.device = "cpu",
    progress: Progress = silent,
) -> np.ndarray:
    """The vocals in a song of any sample rate, in the song's own channels, rate and length.

    Shape:
        waveform ``(channel, sample)``, float, one or two channels -> float32 of the same shape.

    Raises :class:`UserError` as :func:`separate_blocks` does.
    """
    vocals = np.empty(waveform.shape, np.float32)
    position = 0
    recording = ArrayRecording(waveform, sample_rate_hz)
    for block in separate_blocks(
        model, recording, settings, wiener_iterations=wiener_iterations, device=device, progress=progress
    ):
        vocals[:, position : position + block.shape[1]] = block
        position += block.shape[1]
    return vocals


def separate_blocks(
    model: nn.Module,
    recording: Recording,
    settings: SeparationSettings,
    *,
    wiener_iterations: int = 0,
    device: str | torch.device = "cpu",
    progress: Progress = silent,
) -> Iterator[np.ndarray]:
    """The vocals of :func:`separate_song`, a block ``(channel, sample)`` at a time: side by side they are the whole.

    For recordings too long to be in memory: nothing is kept but the segments at work. Each is resampled to the
    model's rate and back by itself. A mono recording is given to the model as two equal channels, whose estimates
    are averaged. ``wiener_iterations`` refine each segment (:mod:`sepmodels.separation.wiener`).

    Raises :class:`UserError` for more than two channels, samples that are not finite, in or out, and settings that
    do not fit together.
    """
    channels, sample_rate_hz = recording.channels, recording.sample_rate_hz
    if channels not in (1, 2):
        raise UserError(
            f"The recording has {channels} channels, and only mono and stereo can be separated: "
            "mix it down first, for instance with ffmpeg -ac 2."
        )
    model.to(device).eval()
    on_cpu = torch.device(device).type == "cpu"
    if on_cpu:
        keep_freed_memory()

    def vocals_of(segments: np.ndarray) -> np.ndarray:
        if not np.isfinite(segments).all():
            raise UserError("The recording has samples that are infinite or not numbers: export it again.")
        stereo = np.repeat(segments, 2, axis=1) if channels == 1 else segments
        estimate = _at_model_rate(model, stereo, sample_rate_hz, wiener_iterations, device)
        if not np.isfinite(estimate).all():
            raise UserError(
                "The model makes samples that are infinite or not numbers of this recording: choose another model, or "
                "train this one again."
            )
        return estimate.mean(axis=1, keepdims=True) if channels == 1 else estimate

    return overlap_add(
        vocals_of,
        recording,
        segment_samples=round(settings.segment_seconds * sample_rate_hz),
        overlap_samples=round(settings.overlap_seconds * sample_rate_hz),
        batch=settings.batch or (2 if on_cpu else 8),
        progress=progress,
    )


def sample_rate_of(model: nn.Module) -> int:
    """The sample rate in Hz of the waveforms that a model takes."""
    rate_hz = model.sample_rate_hz
    assert isinstance(rate_hz, int)
    return rate_hz


def _at_model_rate(
    model: nn.Module, stereo: np.ndarray, sample_rate_hz: int, wiener_iterations: int, device: str | torch.device
) -> np.ndarray:
    """The model's estimate for ``(batch, channel, sample)`` of another rate, at that rate and of that length."""
    samples = stereo.shape[-1]
    rate_hz = sample_rate_of(model)
    inner = resample(stereo, sample_rate_hz, rate_hz)
    with torch.inference_mode():
        mixture = torch.from_numpy(np.ascontiguousarray(inner)).to(device)
        estimate = _refined(model(mixture), mixture, wiener_iterations).cpu().numpy()
    back = resample(estimate, rate_hz, sample_rate_hz)[..., :samples]
    return np.pad(back, [(0, 0), (0, 0), (0, samples - back.shape[-1])])


def _refined(estimate: Estimate, mixture: torch.Tensor, wiener_iterations: int) -> torch.Tensor:
    """The waveform of an estimate, after the Wiener filter if there are iterations of it."""
    if wiener_iterations == 0:
        return estimate.waveform
    stft = estimate.stft
    filtered = wiener_filter(estimate.spectrogram, stft(mixture), wiener_iterations)
    return stft.inverse(filtered, mixture.shape[-1])


def overlap_add(
    process: Process,
    recording: Recording,
    *,
    segment_samples: int,
    overlap_samples: int,
    batch: int = 1,
    progress: Progress = silent,
) -> Iterator[np.ndarray]:
    """Apply ``process`` to overlapping segments of a recording and join the results by linear cross-fades.

    The weights of neighbours sum to 1, so a ``process`` that changes nothing gives the recording back. All
    segments are equally long: the last begins earlier rather than being short of context, and what it then
    shares with the one before is not used twice. A recording no longer than a segment is processed as it is.

    Shape:
        recording ``(channel, sample)``; process ``(batch, channel, sample)`` -> ``(batch, any channel, sample)``;
        yields ``(any channel, sample)``, float32, in order, as many samples together as the recording.

    Raises :class:`UserError` for an overlap of more than half a segment, or nothing in a segment or batch.
    """
    if segment_samples < 1 or batch < 1 or not 0 <= 2 * overlap_samples <= segment_samples:
        raise UserError(
            f"Segments of {segment_samples} samples that overlap by {overlap_samples}, {batch} at once, cannot be "
            "joined: a segment and a batch need at least one, and the overlap is at most half a segment."
        )
    return _overlap_added(process, recording, segment_samples, overlap_samples, batch, progress)


def _overlap_added(
    process: Process, recording: Recording, segment: int, overlap: int, batch: int, progress: Progress
) -> Iterator[np.ndarray]:
    stride = max(segment - overlap, 1)
    expected = 1 + max(-(-(recording.expected_samples - segment) // stride), 0)
    rising = (np.arange(overlap, dtype=np.float32) + 0.5) / max(overlap, 1)
    tail: np.ndarray | None = None
    done = 0
    segments = _segments(recording, segment, stride)
    while some := list(islice(segments, batch)):
        for (_, shared), result in zip(some, process(np.stack([cut for cut, _ in some])), strict=True):
            block = result[:, shared:]
            if tail is not None:
                block[:, :overlap] = tail * (1 - rising) + block[:, :overlap] * rising
            keep = max(block.shape[1] - overlap, 0)
            tail = block[:, keep:].copy()
            yield block[:, :keep]
        done += len(some)
        progress(done, max(done, expected), "segment")
    if tail is not None:
        yield tail


def _segments(recording: Recording, segment: int, stride: int) -> Iterator[tuple[np.ndarray, int]]:
    """Segments ``(channel, sample)``, and how many more samples than the overlap each shares with the one before."""
    held = recording.read(segment)
    if held.shape[1] > 0:
        yield held, 0
    while held.shape[1] == segment and (fresh := recording.read(stride)).shape[1] > 0:
        held = np.concatenate([held, fresh], axis=1)[:, -segment:]
        yield held, stride - fresh.shape[1]
        if fresh.shape[1] < stride:
            return
