"""Magnitude spectrograms of whole tracks, a block of frames at a time; mel filters; decibels of both."""

from collections.abc import Iterator

import numpy as np

from sepmodels.scoring.signals import Float64

_BLOCK_BYTES = 1 << 26  # that the frames of a block take, about


def magnitude_blocks(
    signal: Float64, n_fft: int, hop: int, window_samples: int | None = None, padding: str = "constant"
) -> Iterator[Float64]:
    """The magnitudes of a centred STFT with a periodic Hann window, as ``torch.stft`` has it, in blocks of frames.

    Args:
        signal: ``(channel, sample)``.
        window_samples: a window shorter than ``n_fft`` stands in the middle of it.
        padding: how ``n_fft // 2`` samples are put before and after: "constant" for zeros, or "reflect".

    Returns:
        Arrays ``(channel, frame, bin)``.
    """
    import scipy.fft
    import scipy.signal

    window = scipy.signal.get_window("hann", window_samples or n_fft)
    before = (n_fft - len(window)) // 2
    window = np.pad(window, (before, n_fft - len(window) - before))
    padded = np.pad(signal, ((0, 0), (n_fft // 2, n_fft // 2)), mode=padding)  # type: ignore[call-overload]
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft, axis=-1)[:, ::hop]
    size = max(1, _BLOCK_BYTES // (8 * n_fft * len(signal)))
    for start in range(0, frames.shape[1], size):
        yield np.abs(scipy.fft.rfft(frames[:, start : start + size] * window, axis=-1))


def mel_filters(sample_rate_hz: int, n_fft: int, bands: int) -> Float64:
    """Triangular filters ``(bin, band)`` from 0 Hz to the Nyquist frequency, after Slaney's Auditory Toolbox.

    The scale is linear below 1 kHz (200 / 3 Hz for each mel) and logarithmic above (27 mel for a factor of 6.4); each
    filter has the area 1. These are the defaults of ``librosa.filters.mel``.
    """
    bins_hz = np.linspace(0, sample_rate_hz / 2, n_fft // 2 + 1)
    edges_hz = _hertz(np.linspace(0, _mel(sample_rate_hz / 2), bands + 2))
    low, middle, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz[:, None] - low) / (middle - low)
    falling = (high - bins_hz[:, None]) / (high - middle)
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low))


_LINEAR_HZ = 200 / 3  # a mel, below the break
_BREAK_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27  # a mel, above it


def _mel(hertz: float) -> float:
    if hertz < _BREAK_HZ:
        return hertz / _LINEAR_HZ
    return float(_BREAK_HZ / _LINEAR_HZ + np.log(hertz / _BREAK_HZ) / _LOG_STEP)


def _hertz(mel: Float64) -> Float64:
    at_break = _BREAK_HZ / _LINEAR_HZ
    return np.where(mel < at_break, mel * _LINEAR_HZ, _BREAK_HZ * np.exp(_LOG_STEP * (mel - at_break)))


def mel_difference(reference: Float64, estimate: Float64, sample_rate_hz: int) -> Float64:
    """How much louder the estimate is in each cell of a mel spectrogram, in dB: ``(channel, frame, band)``.

    As ``bleed_full`` of Music-Source-Separation-Training has it (``utils/metrics.py``, commit 2127d5e): 4096 points,
    a hop of 1024, 512 bands of magnitudes, each signal no lower than 80 dB below its own loudest cell.
    """
    filters = mel_filters(sample_rate_hz, N_FFT, BANDS).astype(np.float32)
    return np.asarray(_mel_decibels(estimate, filters) - _mel_decibels(reference, filters))


N_FFT, HOP, BANDS = 4096, 1024, 512
_LEAST_MAGNITUDE = 1e-10
_RANGE_DB = 80.0


def _mel_decibels(signal: Float64, filters: np.ndarray) -> np.ndarray:
    """float32, which halves the memory of a long track; it is what the peer computes in."""
    blocks = [block.astype(np.float32) @ filters for block in magnitude_blocks(signal, N_FFT, HOP)]
    levels = 20 * np.log10(np.maximum(np.concatenate(blocks, axis=1), _LEAST_MAGNITUDE))
    return np.asarray(np.maximum(levels, levels.max() - _RANGE_DB))
