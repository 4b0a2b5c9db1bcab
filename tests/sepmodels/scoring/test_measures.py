"""What holds for every measure beside BSSEval, and how they are chosen."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from sepmodels.errors import UserError
from sepmodels.scoring.measure import Measure, Signals
from sepmodels.scoring.measures import chosen_measures, measure_track, measures
from tests.scoring_material import RATE_HZ, music, separated

OWN_TESTS = ("ViSQOL", "RPA", "OA")  # one takes seconds, the others need a pitch
QUICK = [name for name in measures() if name not in OWN_TESTS]
BEST = {"SI-SDR": np.inf, "log-WMSE": -4 * np.log(1e-8), "MR-STFT": 0.0, "bleedless": 100.0, "fullness": 100.0}


@pytest.fixture(scope="module")
def signals() -> Signals:
    """A voice that rests in its second half, a fair estimate of it, and their mixture."""
    reference = music(samples=RATE_HZ) / 32_768
    reference[0, :, RATE_HZ // 2 :] = 0
    return Signals(reference[0], separated(reference)[0].astype(np.float64), reference.sum(axis=0), RATE_HZ)


@pytest.mark.parametrize("name", BEST)
def test_a_perfect_estimate_has_the_best_value(signals: Signals, name: str) -> None:
    assert measures()[name].value(replace(signals, estimate=signals.reference)) == pytest.approx(BEST[name])


@pytest.mark.parametrize("name", QUICK)
def test_a_worse_estimate_has_a_worse_value(signals: Signals, name: str) -> None:
    measure = measures()[name]
    noise = 0.3 * np.random.default_rng(1).standard_normal(signals.estimate.shape)
    lost = name == "fullness"  # which only what is missing makes worse
    worse = replace(signals, estimate=0.01 * signals.estimate if lost else signals.estimate + noise)
    assert (measure.value(signals) > measure.value(worse)) == measure.higher_is_better


@pytest.mark.parametrize("name", ["SI-SDR", "log-WMSE", "PES", "bleedless", "fullness"])
def test_how_loud_all_three_signals_are_does_not_matter(signals: Signals, name: str) -> None:
    louder = Signals(*(1.7 * one for one in (signals.reference, signals.estimate, signals.mixture)), RATE_HZ)
    assert measures()[name].value(louder) == pytest.approx(measures()[name].value(signals), rel=1e-4)


@pytest.mark.parametrize("name", [name for name in measures() if name != "log-WMSE"])
def test_a_silent_truth_has_no_value(signals: Signals, name: str) -> None:
    assert np.isnan(measures()[name].value(replace(signals, reference=np.zeros_like(signals.reference))))


def test_log_wmse_has_a_value_for_a_silent_truth_and_none_for_a_silent_mixture(signals: Signals) -> None:
    log_wmse, silence = measures()["log-WMSE"].value, np.zeros_like(signals.reference)
    assert np.isfinite(log_wmse(replace(signals, reference=silence)))
    assert np.isnan(log_wmse(replace(signals, mixture=silence)))


def test_si_sdr_is_minus_infinity_for_silence_and_does_not_see_loudness(signals: Signals) -> None:
    si_sdr = measures()["SI-SDR"].value
    true, made = signals.reference.ravel(), signals.estimate.ravel()
    angle = np.dot(true, made) ** 2 / np.dot(true, true) / np.dot(made, made)  # the squared cosine between the two
    assert si_sdr(signals) == pytest.approx(10 * np.log10(angle / (1 - angle)))
    assert si_sdr(replace(signals, estimate=3 * signals.estimate)) == pytest.approx(si_sdr(signals))
    assert si_sdr(replace(signals, estimate=np.zeros_like(signals.estimate))) == -np.inf


@pytest.mark.parametrize("measure", measures().values(), ids=lambda measure: measure.name)
def test_a_measure_says_what_it_is(measure: Measure) -> None:
    assert measure.says.endswith(".")
    assert measure.source


def test_measures_are_chosen_by_name_in_capitals_or_not_each_once() -> None:
    assert [one.name for one in chosen_measures(["mr-stft", "PES", "MR-STFT"])] == ["MR-STFT", "PES"]
    with pytest.raises(UserError, match=r"no measure 'fulness': did you mean 'fullness'\? Known: .*, all"):
        chosen_measures(["fulness"])


def test_all_leaves_out_and_names_what_is_not_installed(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    said: list[str] = []
    found = chosen_measures(["all"], said.append)
    assert {one.name for one in found} >= set(QUICK)
    assert [sentence.partition(":")[0] for sentence in said] == ["Without OA", "Without RPA", "Without ViSQOL"]


def test_a_track_has_a_row_for_each_source_and_measure() -> None:
    reference = music(samples=RATE_HZ // 2)
    chosen = chosen_measures(["SI-SDR", "fullness"])
    mixture = (reference / 32_768).sum(axis=0)
    rows = measure_track(
        chosen, reference, separated(reference), mixture, targets=["vocals", "rest"], sample_rate_hz=RATE_HZ
    )
    assert list(zip(rows.target, rows.metric, strict=True)) == [
        (target, name) for target in ("vocals", "rest") for name in ("SI-SDR", "fullness")
    ]
    assert np.isfinite(rows.value).all()


def test_measures_load_without_torch() -> None:
    code = "import sys; from sepmodels.scoring.measures import measures; measures(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
