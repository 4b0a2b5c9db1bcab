"""Waveforms as the scorers want them, float64 in [-1, 1], read piece by piece; silence; energies in dB."""

import numpy as np
from numpy.typing import NDArray

from sepmodels.errors import UserError

Float64 = NDArray[np.float64]
Complex128 = NDArray[np.complex128]
BLOCK_SAMPLES = 1 << 14
FIRST_LOOK_SAMPLES = 1024


def check_type(waveform: np.ndarray) -> None:
    """Raise UserError unless a waveform is int16 or floating."""
    if waveform.dtype != np.int16 and not np.issubdtype(waveform.dtype, np.floating):
        raise UserError(f"Waveforms of type {waveform.dtype} cannot be scored: give int16, or floats in [-1, 1].")


def read_into(piece: Float64, waveform: np.ndarray, start: int) -> None:
    """Fill ``piece`` with the samples from ``start`` on, as float64, zeros where there are none.

    int16 becomes a share of full scale (divided by 32768), as musdb decodes it; floats stay as they are.

    Shape:
        piece: (source, channel, some samples); waveform: (source, channel, sample).

    >>> piece = np.empty((1, 1, 4))
    >>> read_into(piece, np.array([[[0, 16384, -32768]]], dtype=np.int16), start=-1)
    >>> piece[0, 0].tolist()
    [0.0, 0.0, 0.5, -1.0]
    """
    stop = min(start + piece.shape[-1], waveform.shape[-1])
    first = max(start, 0)
    filled = slice(first - start, max(stop, first) - start)
    piece[..., : filled.start] = 0
    piece[..., filled.stop :] = 0
    if waveform.dtype == np.int16:
        np.multiply(waveform[..., first : max(stop, first)], 1 / 32768, out=piece[..., filled])
    else:
        piece[..., filled] = waveform[..., first : max(stop, first)]


def to_float64(waveform: np.ndarray, samples: int) -> Float64:
    """A whole waveform (source, channel, sample) as float64, cut to ``samples`` or padded with zeros at its end."""
    whole = np.empty((*waveform.shape[:-1], samples))
    read_into(whole, waveform, 0)
    return whole


def is_silent(piece: Float64) -> NDArray[np.bool_]:
    """Per source of (source, channel, sample): whether its channels sum to exactly 0 at every sample.

    This is museval's meaning of silence: a source whose right channel is its inverted left one is silent too.
    """
    sounds = np.any(piece[..., :FIRST_LOOK_SAMPLES].sum(axis=1), axis=-1)
    if not sounds.all():
        sounds = np.any(piece.sum(axis=1), axis=-1)
    return np.asarray(~sounds)


def is_silent_throughout(waveform: np.ndarray, samples: int) -> NDArray[np.bool_]:
    """The same for the first ``samples`` of a long waveform of any type, in little memory."""
    silent = np.ones(waveform.shape[0], dtype=bool)
    piece = np.empty((*waveform.shape[:-1], BLOCK_SAMPLES))
    for start in range(0, samples, BLOCK_SAMPLES):
        read_into(piece, waveform[..., :samples], start)
        silent &= is_silent(piece)
        if not silent.any():
            break
    return silent


def window_starts(samples: int, window_samples: int, hop_samples: int) -> range:
    """Where the windows of a track begin; a last part shorter than a window is not scored.

    A track no longer than one window has a single window, which is the whole track (museval's ``Framing``).

    >>> list(window_starts(samples=10, window_samples=4, hop_samples=3))
    [0, 3, 6]
    """
    if window_samples >= samples:
        return range(1)
    return range(0, samples - window_samples + 1, hop_samples)


def decibels(numerator: Float64, denominator: Float64) -> Float64:
    """10 log10 of a ratio of energies: inf where the denominator is 0, as museval has it, -inf for 0 over more.

    >>> decibels(np.array([100.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0])).tolist()
    [20.0, -inf, inf]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 10 * np.log10(np.divide(numerator, denominator))
    return np.where(denominator == 0, np.inf, ratio)
