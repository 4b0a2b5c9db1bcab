"""Another sample rate."""

import numpy as np


def resample(waveform: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """Change the sample rate of float (channel, sample) by a polyphase windowed-sinc filter; float32.

    The result has ``ceil(samples * to_hz / from_hz)`` samples, aligned with the first of the input's.

    >>> resample(np.zeros((2, 48_000), np.float32), 48_000, 44_100).shape
    (2, 44100)
    """
    from scipy.signal import firwin, resample_poly

    waveform = waveform.astype(np.float32, copy=False)
    if from_hz == to_hz:
        return waveform
    divisor = int(np.gcd(from_hz, to_hz))
    up, down = to_hz // divisor, from_hz // divisor
    slower = max(up, down)
    # passes up to 0.9 of the lower Nyquist frequency, and stops 100 dB from there on; scipy's own default stops 60 dB
    kernel = firwin(2 * 64 * slower + 1, 0.95 / slower, window=("kaiser", 10.0)).astype(np.float32)
    resampled: np.ndarray = resample_poly(waveform, up, down, axis=-1, window=kernel)
    return resampled.astype(np.float32, copy=False)
