"""The energy that an estimate leaves where the voice rests."""

import numpy as np
import pytest

from sepmodels.scoring.measure import Signals
from sepmodels.scoring.measures.pes import LEAST_DB, pes
from tests.scoring_material import RATE_HZ


def sung_and_rested(level_in_rests: float, seconds: float = 2.0) -> Signals:
    """A tone of level 1 in the first half, of which the estimate leaves so much in the second."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    tone = np.sin(2 * np.pi * 440 * time)[None].repeat(2, axis=0)
    rests = time >= seconds / 2
    return Signals(np.where(rests, 0, tone), np.where(rests, level_in_rests * tone, 0), tone, RATE_HZ)


@pytest.mark.parametrize("decibels", [0.0, -20.0, -40.0])
def test_the_value_is_the_level_in_rests_against_the_level_of_the_voice(decibels: float) -> None:
    assert pes(sung_and_rested(10 ** (decibels / 20))) == pytest.approx(decibels, abs=0.01)


def test_silence_in_the_rests_is_the_lowest_level() -> None:
    assert pes(sung_and_rested(0.0)) == LEAST_DB


def test_what_is_sung_does_not_count() -> None:
    signals = sung_and_rested(0.1)
    wrong = np.where(signals.reference != 0, 5.0, signals.estimate)
    assert pes(Signals(signals.reference, wrong, wrong, RATE_HZ)) == pytest.approx(pes(signals))


def test_a_voice_that_never_rests_and_a_sound_of_no_length_have_no_value() -> None:
    signals = sung_and_rested(1.0)
    assert np.isnan(pes(Signals(signals.mixture, signals.estimate, signals.mixture, RATE_HZ)))
    assert np.isnan(pes(sung_and_rested(1.0, seconds=0.05)))
