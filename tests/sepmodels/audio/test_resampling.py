import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepmodels.audio.resampling import resample
from tests.conftest import synthetic_stems


def tone(sample_rate_hz: int, frequency_hz: float) -> np.ndarray:
    """A second of a sine, float32 (2, sample)."""
    one = 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(sample_rate_hz) / sample_rate_hz)
    return np.stack([0.5 * one, one]).astype(np.float32)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(48_000, 44_100), (44_100, 48_000), (22_050, 44_100), (96_000, 44_100)])
def test_a_tone_keeps_its_pitch_phase_and_level_at_another_sample_rate(from_hz: int, to_hz: int) -> None:
    for frequency_hz in (50, 1000, 0.4 * min(from_hz, to_hz)):
        resampled = resample(tone(from_hz, frequency_hz=frequency_hz), from_hz, to_hz)
        expected = tone(to_hz, frequency_hz=frequency_hz)
        assert resampled.shape == expected.shape
        inner = slice(to_hz // 10, -to_hz // 10)
        error = np.square(resampled[:, inner] - expected[:, inner]).sum()
        assert 10 * np.log10(np.square(expected[:, inner]).sum() / error) > 90


def test_what_the_lower_sample_rate_cannot_hold_is_removed() -> None:
    assert np.abs(resample(tone(48_000, frequency_hz=23_000), 48_000, 44_100)[:, 4410:-4410]).max() < 1e-4


@settings(max_examples=30, deadline=None)
@given(
    samples=st.integers(1, 5000),
    from_hz=st.sampled_from([8000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000]),
    to_hz=st.sampled_from([8000, 11_025, 44_100, 48_000]),
)
def test_resampling_gives_the_length_that_the_rates_say(samples: int, from_hz: int, to_hz: int) -> None:
    resampled = resample(np.ones((2, samples), np.float32), from_hz, to_hz)
    assert resampled.shape == (2, -(-samples * to_hz // from_hz))
    assert resampled.dtype == np.float32


def test_the_same_sample_rate_changes_nothing() -> None:
    waveform = synthetic_stems(0, 0.1)[0].T
    np.testing.assert_array_equal(resample(waveform, 44_100, 44_100), waveform)
