"""Waveforms as the scorers want them: float64 in [-1, 1], of the reference's length, silence known."""

import numpy as np
from numpy.typing import NDArray

from sepmodels.errors import UserError

Float64 = NDArray[np.float64]


def to_float64(waveform: np.ndarray) -> Float64:
    """int16 as musdb decodes it (divided by 32768), floats as they are; UserError for any other type.

    >>> to_float64(np.array([-32768, 16384], dtype=np.int16))
    array([-1. ,  0.5])
    """
    if waveform.dtype == np.int16:
        return waveform.astype(np.float64) / 32768.0
    if not np.issubdtype(waveform.dtype, np.floating):
        raise UserError(f"Waveforms of type {waveform.dtype} cannot be scored: give int16, or floats in [-1, 1].")
    return waveform.astype(np.float64)


def fit_length(estimate: np.ndarray, samples: int) -> np.ndarray:
    """Cut an estimate (source, channel, sample) to ``samples``, or pad its end with zeros, as museval does."""
    missing = samples - estimate.shape[-1]
    if missing <= 0:
        return estimate[..., :samples]
    return np.pad(estimate, [(0, 0), (0, 0), (0, missing)])


def is_silent(sources: np.ndarray) -> NDArray[np.bool_]:
    """Per source of (source, channel, sample): whether its channels sum to exactly 0 at every sample.

    This is museval's meaning of silence: a source whose right channel is its inverted left one is silent too.
    """
    totals = np.sum(sources, axis=1, dtype=np.int64 if sources.dtype == np.int16 else np.float64)
    return np.asarray(np.all(totals == 0, axis=-1))


def window_starts(samples: int, window_samples: int, hop_samples: int) -> range:
    """Where the windows of a track begin; a last part shorter than a window is not scored.

    A track no longer than one window has a single window, which is the whole track (museval's ``Framing``).

    >>> list(window_starts(samples=10, window_samples=4, hop_samples=3))
    [0, 3, 6]
    """
    if window_samples >= samples:
        return range(0, 1)
    return range(0, samples - window_samples + 1, hop_samples)
