"""log-WMSE against its own implementation, and against a filter that runs through time."""

import numpy as np
import pytest
from scipy.signal import butter, lfilter

from sepmodels.audio.resampling import resample
from sepmodels.scoring.measure import Signals
from sepmodels.scoring.measures.log_wmse import _high_shelf, _peak, hearing_filter, log_wmse
from tests.scoring_material import RATE_HZ, music, separated


@pytest.fixture(scope="module")
def signals() -> Signals:
    reference = music(samples=3 * RATE_HZ)
    true = reference / 32_768
    return Signals(true[0], separated(reference)[0].astype(np.float64), true.sum(axis=0), RATE_HZ)


def test_the_value_is_that_of_log_wmse_audio_quality(signals: Signals) -> None:
    assert log_wmse(signals) == pytest.approx(13.887171, abs=1e-3)  # version 0.2.0 on these signals


def test_the_value_is_that_of_the_same_filters_run_through_time(signals: Signals) -> None:
    def energy(signal: np.ndarray) -> np.ndarray:
        low_pass = butter(1, 10_000, fs=RATE_HZ)
        for part in (_high_shelf(1500, 5, 0.5**0.5), _peak(500, 2.5, 1.5 * 0.5**0.5), low_pass, low_pass):
            signal = lfilter(*part, signal)
        return np.mean(lfilter(*butter(2, 120, "high", fs=RATE_HZ), signal) ** 2, axis=-1)

    by_channel = energy(signals.estimate - signals.reference) / energy(signals.mixture)
    assert log_wmse(signals) == pytest.approx(np.mean(-4 * np.log(by_channel + 1e-8)), abs=0.01)


def test_the_filter_follows_hearing() -> None:
    response = 20 * np.log10(np.abs(np.fft.rfft(hearing_filter(), 8192)))
    peer = {50: -15.85, 120: -2.99, 500: 2.53, 1500: 2.63, 5000: 3.51, 10_000: -1.01, 15_000: -9.7}  # in dB, as shipped
    for hertz, decibels in peer.items():
        assert response[int(hertz / RATE_HZ * 8192)] == pytest.approx(decibels, abs=0.02)


def test_another_rate_is_resampled(signals: Signals) -> None:
    names = ("reference", "estimate", "mixture")
    other = Signals(*(resample(getattr(signals, name), RATE_HZ, 48_000).astype(float) for name in names), 48_000)
    assert log_wmse(other) == pytest.approx(log_wmse(signals), abs=0.05)


def test_an_error_that_nobody_hears_costs_nothing(signals: Signals) -> None:
    nearly = Signals(signals.reference, signals.reference * (1 + 1e-5), signals.mixture, RATE_HZ)
    assert log_wmse(nearly) == pytest.approx(-4 * np.log(1e-8))
