"""The pitch of singing is tracked, and measured against the truth: what is tracked there, or what is labelled."""

from dataclasses import replace

import numpy as np
import pytest

from sepmodels.errors import UserError
from sepmodels.scoring.measure import Signals
from sepmodels.scoring.measures import chosen_measures, measure_track, measures, require_measures
from sepmodels.scoring.pitch import NO_PITCH, Pitch, agreement, track_pitch

RATE_HZ = 16_000
SECONDS = 3.0


def sung(glide: tuple[float, float] = (220.0, 440.0), rest: tuple[float, float] = (1.0, 1.5)) -> np.ndarray:
    """A harmonic tone that glides evenly, with a rest: float64 (channel, sample)."""
    time = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    hz = np.interp(time, [0, SECONDS], glide)
    phase = 2 * np.pi * np.cumsum(hz) / RATE_HZ
    tone = sum(np.sin(number * phase) / number for number in range(1, 8))
    sounding = (time < rest[0]) | (time >= rest[1])
    return np.stack([0.1 * tone * sounding] * 2)


def signals(estimate: np.ndarray) -> Signals:
    truth = sung()
    return Signals(truth, estimate, truth, RATE_HZ)


def test_a_gliding_tone_is_followed_and_its_rest_is_heard() -> None:
    found = track_pitch(sung(), RATE_HZ)
    inside = found.voiced & (np.abs(found.seconds - 1.25) > 0.35) & (found.seconds > 0.1) & (found.seconds < 2.9)
    true_hz = np.interp(found.seconds, [0, SECONDS], (220.0, 440.0))
    assert np.abs(1200 * np.log2(found.hz[inside] / true_hz[inside])).max() < 50
    assert not found.voiced[np.abs(found.seconds - 1.25) < 0.15].any()


def test_the_truth_itself_is_right_in_every_frame_and_an_octave_off_in_none() -> None:
    same = signals(sung())
    octave = signals(sung(glide=(440.0, 880.0)))
    for name in ("RPA", "OA"):
        assert measures()[name].value(same) == 100
    assert measures()["RPA"].value(octave) < 2
    assert 10 < measures()["OA"].value(octave) < 25  # the rest is right, a sixth of all


def test_what_sounds_in_a_rest_costs_overall_accuracy_alone() -> None:
    filled = signals(sung(rest=(9.0, 9.0)))
    assert measures()["RPA"].value(filled) > 98
    assert measures()["OA"].value(filled) < 90


def test_labels_are_the_truth_where_there_are_any_and_labels_that_cannot_be_used_leave_no_value() -> None:
    seconds = np.arange(0, SECONDS, 0.01)
    wrong = Pitch(seconds, np.full(seconds.shape, 1000.0), np.ones(seconds.shape, bool))
    same = signals(sung())
    assert measures()["RPA"].value(replace(same, pitch=wrong)) == 0
    assert np.isnan(measures()["RPA"].value(replace(same, pitch=NO_PITCH)))


def test_nothing_sung_in_truth_has_no_value_and_a_silent_estimate_has_no_right_pitch() -> None:
    silence = np.zeros_like(sung())
    assert np.isnan(measures()["OA"].value(replace(signals(sung()), reference=silence)))
    assert measures()["OA"].value(signals(silence)) == pytest.approx(100 / 6, abs=3)
    assert np.isnan(agreement(NO_PITCH, track_pitch(sung(), RATE_HZ))["Raw Pitch Accuracy"])


def test_pitch_is_refused_for_another_target_before_anything_is_made() -> None:
    require_measures(["RPA"], "vocals")
    with pytest.raises(UserError, match="RPA says something of the vocals alone, and the drums are separated"):
        require_measures(["RPA"], "drums")


def test_pitch_is_measured_of_vocals_alone() -> None:
    both = np.stack([sung(), sung()])
    rows = measure_track(
        chosen_measures(["RPA"]),
        both,
        both,
        both.sum(axis=0),
        targets=("vocals", "accompaniment"),
        sample_rate_hz=RATE_HZ,
    )
    assert rows.target.tolist() == ["vocals"]


def test_where_the_packages_are_not_installed_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'sepbench\[pitch\]'"):
        chosen_measures(["RPA"])
