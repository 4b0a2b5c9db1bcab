"""Scores as a table, their laws, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepmodels.errors import UserError
from sepmodels.scoring import METRICS, WHOLE_TRACK_METRICS, score_track
from sepmodels.scoring.bsseval import bsseval_scores
from sepmodels.scoring.filters import NormalMatrix
from sepmodels.scoring.plain import whole_track_scores
from tests.scoring_material import RATE_HZ, music, separated

REFERENCE = music(channels=1, samples=20_000)
ESTIMATE = separated(REFERENCE)
WINDOW = 5_000


def scores(reference: np.ndarray, estimate: np.ndarray, window: int = WINDOW) -> np.ndarray:
    return bsseval_scores(reference, [estimate], window, window)[0]


def values(table: pd.DataFrame, variant: str, target: str, metric: str) -> list[float]:
    chosen = table[(table.variant == variant) & (table.target == target) & (table.metric == metric)]
    return chosen.sort_values("window").value.tolist()


def test_a_track_gives_a_row_per_variant_target_metric_and_window() -> None:
    reference = music(channels=1, samples=3 * RATE_HZ)
    table = score_track(reference, {"one": separated(reference), "two": separated(reference, seed=1)})
    assert table.columns.tolist() == ["variant", "target", "metric", "window", "value"]
    assert str(table.window.dtype) == "Int64"
    windows = table[table.window.notna()]
    assert len(windows) == 2 * 2 * len(METRICS) * 3
    assert set(windows.metric) == set(METRICS)
    whole = table[table.window.isna()]
    assert len(whole) == 2 * 2 * len(WHOLE_TRACK_METRICS)
    assert set(whole.metric) == set(WHOLE_TRACK_METRICS)
    assert table.value.notna().all()


def test_targets_are_in_the_order_of_the_reference() -> None:
    table = score_track(REFERENCE, {"v": ESTIMATE}, targets=("a", "b"), window_seconds=WINDOW / RATE_HZ)
    assert np.array_equal(values(table, "v", "b", "SAR"), scores(REFERENCE, ESTIMATE)[3, 1, :1])


def test_both_scorers_make_the_same_table() -> None:
    tables = [score_track(REFERENCE, {"v": ESTIMATE}, scorer=scorer) for scorer in ("fast", "museval")]
    pd.testing.assert_frame_equal(*tables, atol=1e-6)


@pytest.mark.parametrize("scorer", ["fast", "museval"])
def test_an_estimate_with_a_source_of_zeros_has_only_nan_windows_and_spoils_no_other(scorer: str) -> None:
    silent = ESTIMATE.copy()
    silent[0] = 0
    table = score_track(REFERENCE, {"silent": silent, "good": ESTIMATE}, scorer=scorer)
    windows = table[table.window.notna()].set_index("variant").value
    assert windows["silent"].isna().all()
    assert windows["good"].notna().all()
    assert values(table, "silent", "vocals", "uSDR") == [0.0]
    assert values(table, "silent", "vocals", "SI-SDR") == [-np.inf]


def test_nothing_given_is_changed() -> None:
    reference, estimate = REFERENCE.copy(), ESTIMATE.copy()
    reference.flags.writeable = estimate.flags.writeable = False
    score_track(reference, {"v": estimate})
    assert np.array_equal(reference, REFERENCE)
    assert np.array_equal(estimate, ESTIMATE)


def test_int16_and_its_float_values_score_the_same() -> None:
    as_int16 = np.round(ESTIMATE * 32_768).astype(np.int16)
    as_float = (REFERENCE.astype(np.float32) / 32_768, as_int16.astype(np.float32) / 32_768)
    assert np.array_equal(scores(REFERENCE, as_int16), scores(*as_float))


def test_the_number_of_threads_does_not_matter() -> None:
    one, three = (bsseval_scores(REFERENCE, [ESTIMATE], 1_000, 700, threads)[0] for threads in (1, 3))
    np.testing.assert_allclose(one, three, atol=1e-8)


def test_scoring_variants_together_gives_what_each_gives_alone() -> None:
    variants = [ESTIMATE, separated(REFERENCE, seed=1), separated(REFERENCE)[::-1]]
    together = bsseval_scores(REFERENCE, variants, WINDOW, WINDOW)
    for variant, found in zip(variants, together, strict=True):
        np.testing.assert_allclose(found, scores(REFERENCE, variant), atol=1e-8)


@settings(max_examples=5, deadline=None)
@given(gain_db=st.floats(-40, 20))
def test_turning_a_whole_track_up_or_down_changes_no_score(gain_db: float) -> None:
    gain = 10 ** (gain_db / 20)
    louder = scores(REFERENCE / 32_768 * gain, ESTIMATE.astype(np.float64) * gain)
    np.testing.assert_allclose(louder, scores(REFERENCE, ESTIMATE), atol=1e-5)


@settings(max_examples=5, deadline=None)
@given(gain_db=st.floats(-40, 20))
def test_turning_only_the_estimate_up_or_down_leaves_sir_and_sar(gain_db: float) -> None:
    louder = scores(REFERENCE, ESTIMATE.astype(np.float64) * 10 ** (gain_db / 20))
    np.testing.assert_allclose(louder[2:], scores(REFERENCE, ESTIMATE)[2:], atol=1e-5)


def test_sources_in_another_order_have_the_same_scores_in_that_order() -> None:
    np.testing.assert_allclose(scores(REFERENCE[::-1], ESTIMATE[::-1]), scores(REFERENCE, ESTIMATE)[:, ::-1], atol=1e-6)


@settings(max_examples=5, deadline=None)
@given(level_db=st.floats(-60, 20), channels=st.integers(1, 2))
def test_added_noise_gives_the_sdr_of_its_level(level_db: float, channels: int) -> None:
    rng = np.random.default_rng(0)
    reference, noise = rng.standard_normal((2, 2, channels, 6_000))
    noise *= (
        10 ** (level_db / 20)
        * np.linalg.norm(reference, axis=(1, 2))[:, None, None]
        / np.linalg.norm(noise, axis=(1, 2))[:, None, None]
    )
    np.testing.assert_allclose(scores(reference, reference + noise, window=6_000)[0], -level_db, atol=1e-9)


@pytest.mark.parametrize("gain", [0.5, 0.9, 1.2])
def test_a_gain_alone_is_spatial_distortion_and_neither_interference_nor_artifacts(gain: float) -> None:
    sdr, isr, sir, sar = scores(REFERENCE, REFERENCE / 32_768 * gain)
    expected_db = -20 * np.log10(abs(1 - gain))
    np.testing.assert_allclose(sdr, expected_db, atol=1e-9)
    np.testing.assert_allclose(isr, expected_db, atol=1e-6)
    assert sir.min() > 100
    assert sar.min() > 100


def test_a_leak_of_another_source_is_interference_of_its_level() -> None:
    reference = np.random.default_rng(0).standard_normal((2, 1, 200_000))
    estimate = reference + 0.1 * reference[::-1]
    _, isr, sir, sar = scores(reference, estimate, window=200_000)
    np.testing.assert_allclose(sir, 20, atol=0.1)
    assert isr.min() > 40
    assert sar.min() > 100


def test_filtering_within_512_taps_makes_no_artifacts() -> None:
    reference = np.zeros((2, 1, 5_000))
    reference[..., :4_000] = np.random.default_rng(0).standard_normal((2, 1, 4_000))
    estimate = 0.7 * np.roll(reference, 300, axis=-1) + 0.2 * np.roll(reference, 511, axis=-1)
    assert scores(reference, estimate, window=5_000)[3].min() > 100


def test_independent_noise_is_artifacts_of_its_level() -> None:
    rng = np.random.default_rng(0)
    reference = rng.standard_normal((2, 1, 200_000))
    estimate = reference + 0.1 * rng.standard_normal(reference.shape)
    sar = scores(reference, estimate, window=200_000)[3]
    np.testing.assert_allclose(sar, 20, atol=0.1)


def test_si_sdr_ignores_gain_and_usdr_does_not() -> None:
    before = whole_track_scores(REFERENCE, ESTIMATE)
    after = whole_track_scores(REFERENCE, ESTIMATE.astype(np.float64) * 0.25)
    np.testing.assert_allclose(after[1], before[1], atol=1e-9)
    assert np.all(after[0] < before[0] - 1)


def test_a_perfect_estimate_has_infinite_whole_track_scores() -> None:
    assert np.isposinf(whole_track_scores(REFERENCE, REFERENCE)).all()


def test_equations_singular_to_the_last_bit_are_solved_by_least_squares() -> None:
    constant = np.full((1, 1, 1_023), 2.0**60)
    solution = NormalMatrix(constant).solve(np.full((512, 1), 2.0**60))
    np.testing.assert_allclose(solution.sum(), 1, rtol=1e-6)


@pytest.mark.parametrize(("source", "name"), [(0, "vocals"), (1, "accompaniment")])
@pytest.mark.parametrize("scorer", ["fast", "museval"])
def test_a_reference_that_is_silent_all_through_is_named(source: int, name: str, scorer: str) -> None:
    reference = music(samples=20_000)
    reference[source, 1] = -reference[source, 0]
    with pytest.raises(UserError, match=f"The reference {name} is silent all through.*leave this track out"):
        score_track(reference, {"v": separated(reference)}, scorer=scorer)


@pytest.mark.parametrize(
    ("estimate", "message"),
    [
        (ESTIMATE[:1], r"The estimate of v has shape \(1, 1, 20000\).*2 sources of 1 channels"),
        (np.full_like(ESTIMATE, np.nan), "The estimate of v has values that are NaN or infinite"),
        (ESTIMATE.astype(np.int64), "type int64 cannot be scored: give int16, or floats"),
    ],
    ids=["sources missing", "not a number", "another type"],
)
def test_an_estimate_that_cannot_be_scored_is_named(estimate: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        score_track(REFERENCE, {"v": estimate})


def test_a_reference_without_a_source_for_each_target_is_refused() -> None:
    with pytest.raises(UserError, match=r"shape \(2, 1, 20000\).*a source for each of vocals"):
        score_track(REFERENCE, {"v": ESTIMATE}, targets=("vocals",))


def test_no_window_at_all_is_refused() -> None:
    with pytest.raises(UserError, match="window of 0 seconds"):
        score_track(REFERENCE, {"v": ESTIMATE}, window_seconds=0)


def test_an_unknown_scorer_is_named_with_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'museval'"):
        score_track(REFERENCE, {"v": ESTIMATE}, scorer="musevl")  # type: ignore[arg-type]
