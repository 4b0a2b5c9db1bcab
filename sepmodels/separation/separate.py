"""Separation of recordings of any length, channels and sample rate, in memory that their length does not change."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from sepmodels.audio.overlap_add import overlap_add
from sepmodels.audio.recordings import ArrayRecording, Recording
from sepmodels.audio.resampling import resample
from sepmodels.errors import UserError
from sepmodels.machine.devices import keep_freed_memory
from sepmodels.models import sample_rate_of
from sepmodels.models.estimate import Estimate
from sepmodels.progress import Progress, silent
from sepmodels.separation.wiener import wiener_filter
from sepmodels.separation.within_memory import WithinMemory
from sepmodels.settings import SeparationSettings


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
    are averaged. ``wiener_iterations`` refine each segment (:mod:`sepmodels.separation.wiener`). Segments that do not
    fit in memory together go through the model in smaller parts.

    Raises :class:`UserError` for more than two channels, samples that are not finite, in or out, settings that do not
    fit together, and a single segment that does not fit in memory.
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

    def estimated(stereo: np.ndarray) -> np.ndarray:
        return _at_model_rate(model, stereo, sample_rate_hz, wiener_iterations, device)

    within_memory = WithinMemory(torch.device(device), settings.segment_seconds)

    def vocals_of(segments: np.ndarray) -> np.ndarray:
        if not np.isfinite(segments).all():
            raise UserError("The recording has samples that are infinite or not numbers: export it again.")
        stereo = np.repeat(segments, 2, axis=1) if channels == 1 else segments
        estimate = within_memory(estimated, stereo)
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
