"""log-WMSE: the logarithm of a mean squared error, weighted by frequency as hearing is."""

from functools import cache

import numpy as np

from sepmodels.audio.resampling import resample
from sepmodels.scoring.measure import Measure, Signals
from sepmodels.scoring.signals import Float64

RATE_HZ = 44_100
TAPS = 4000
_FFT = 8192  # points in which the filter is designed
_EPSILON = 1e-8
_SCALE = -4.0
_INAUDIBLE = 10 ** (-68 / 20)  # of the mixture's level: samples of the error below it count as 0


def log_wmse(signals: Signals) -> float:
    """The mean over channels; a channel in which the mixture is silent has no level to compare with, and is left out.

    73.7 for an estimate without an audible error. The reference may be silent.
    """
    values = []
    filters = hearing_filter()
    for channel in range(len(signals.reference)):
        reference, estimate, mixture = (
            _at_rate(signal[channel], signals.sample_rate_hz)
            for signal in (signals.reference, signals.estimate, signals.mixture)
        )
        level = np.sqrt(np.mean(_filtered(mixture, filters) ** 2))
        if level == 0:
            continue
        error = _filtered(estimate - reference, filters) / level
        error[np.abs(error) < _INAUDIBLE] = 0
        values.append(_SCALE * np.log(np.mean(error**2) + _EPSILON))
    return float(np.mean(values)) if values else np.nan


@cache
def hearing_filter() -> Float64:
    """The impulse response of 4000 taps, which shifts no phase.

    The implementation ships it as numbers, and these are made as it made them: a shelf of 5 dB above 1.5 kHz, a
    Butterworth high-pass of second order at 120 Hz, a peak of 2.5 dB at 500 Hz, and a Butterworth low-pass of first
    order at 10 kHz, run twice. The shelf and the peak are those of Bristow-Johnson's Audio EQ Cookbook.
    """
    from scipy.signal import butter, freqz

    bins = np.fft.rfftfreq(_FFT) * 2 * np.pi
    high_pass = butter(2, 120, "high", fs=RATE_HZ)
    low_pass = butter(1, 10_000, fs=RATE_HZ)
    parts = [_high_shelf(1500, 5, 1 / np.sqrt(2)), high_pass, _peak(500, 2.5, 1.5 / np.sqrt(2)), low_pass, low_pass]
    response = np.prod([np.abs(freqz(*part, worN=bins)[1]) for part in parts], axis=0)
    taps = np.fft.fftshift(np.fft.irfft(response, _FFT))
    first = _FFT // 2 + 1 - TAPS // 2
    return np.asarray(taps[first : first + TAPS])


def _high_shelf(centre_hz: float, gain_db: float, q: float) -> tuple[Float64, Float64]:
    amplitude, turn, bandwidth = _cookbook(centre_hz, gain_db, q)
    plus, minus, slope = amplitude + 1, amplitude - 1, 2 * np.sqrt(amplitude) * bandwidth
    above = [plus + minus * turn + slope, -2 * (minus + plus * turn), plus + minus * turn - slope]
    below = [plus - minus * turn + slope, 2 * (minus - plus * turn), plus - minus * turn - slope]
    return amplitude * np.array(above), np.array(below)


def _peak(centre_hz: float, gain_db: float, q: float) -> tuple[Float64, Float64]:
    amplitude, turn, bandwidth = _cookbook(centre_hz, gain_db, q)
    above = [1 + bandwidth * amplitude, -2 * turn, 1 - bandwidth * amplitude]
    below = [1 + bandwidth / amplitude, -2 * turn, 1 - bandwidth / amplitude]
    return np.array(above), np.array(below)


def _cookbook(centre_hz: float, gain_db: float, q: float) -> tuple[float, float, float]:
    """A, cos(w0) and alpha of the Audio EQ Cookbook."""
    angle = 2 * np.pi * centre_hz / RATE_HZ
    return 10 ** (gain_db / 40), float(np.cos(angle)), float(np.sin(angle) / (2 * q))


def _filtered(signal: Float64, filters: Float64) -> Float64:
    from scipy.signal import oaconvolve

    return np.asarray(oaconvolve(signal, filters, "same"))


def _at_rate(channel: Float64, from_hz: int) -> Float64:
    if from_hz == RATE_HZ:
        return channel
    return np.asarray(resample(channel[None], from_hz, RATE_HZ)[0], dtype=np.float64)


MEASURE = Measure(
    name="log-WMSE",
    says="The error, weighted by frequency as hearing is, against the loudness of the mixture.",
    higher_is_better=True,
    unit="",
    source="log-wmse-audio-quality 0.2.0 (Nomono), its filter designed again",
    value=log_wmse,
)
