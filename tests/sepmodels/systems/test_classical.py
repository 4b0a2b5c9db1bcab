"""The classical methods and the oracles on request, on sounds of which is known what a method must find."""

import numpy as np
import pytest

from sepmodels.audio import FULL_SCALE, SAMPLE_RATE_HZ
from sepmodels.systems.classical import CLASSICAL
from sepmodels.systems.references import MORE_REFERENCES, REFERENCES
from tests.conftest import synthetic_stems


@pytest.fixture(scope="module")
def stems() -> np.ndarray:
    """int16 (5, 2, sample)."""
    made = synthetic_stems(seed=3, seconds=4.0).transpose(0, 2, 1)
    return np.round(0.5 * made * FULL_SCALE).astype(np.int16)


def sdr_db(reference: np.ndarray, estimate: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(reference**2) / np.sum((reference - estimate) ** 2)))


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_classical_method_gives_something_nearer_to_the_vocals_than_the_mixture(name: str, stems: np.ndarray) -> None:
    mixture, *_, vocals = stems.astype(np.float32) / FULL_SCALE
    estimate = CLASSICAL[name].method(mixture)
    assert estimate.shape == mixture.shape
    assert estimate.dtype == np.float32
    assert sdr_db(vocals, estimate) > sdr_db(vocals, mixture)


@pytest.mark.parametrize("name", CLASSICAL)
def test_silence_stays_silence(name: str) -> None:
    silence = np.zeros((2, SAMPLE_RATE_HZ), np.float32)
    assert np.array_equal(CLASSICAL[name].method(silence), silence)


def test_the_filter_of_both_channels_is_above_every_mask_of_one(stems: np.ndarray) -> None:
    vocals = stems[4].astype(np.float32) / FULL_SCALE
    reached = {name: sdr_db(vocals, one.method(stems)) for name, one in (REFERENCES | MORE_REFERENCES).items()}
    assert max(reached, key=lambda name: reached[name]) == "ideal_wiener"
    assert reached["ideal_power_mask"] > reached["oracle_mask"]
