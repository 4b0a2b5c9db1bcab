"""The test of two recipes over tracks and trainings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepmodels.results.bootstrap import Float64
from sepmodels.results.crossed import FEWEST_SAMPLES, Components, Error, components, difference


def drawn(rng: np.random.Generator, tracks: int, seeds: int, *, mean: float = 0.0, spread: float = 0.2) -> Float64:
    """Scores (track, seed) of a recipe: what is its own on each track, each training, and the rest."""
    own = 0.5 * rng.standard_normal((tracks, 1)) + spread * rng.standard_normal((1, seeds))
    return mean + own + 0.3 * rng.standard_normal((tracks, seeds))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(-5, 5), tracks=st.integers(6, 20), seeds=st.integers(2, 5))
def test_the_figure_is_antisymmetric_and_moves_with_a_gain_and_no_track_s_difficulty_counts(
    seed: int, shift: float, tracks: int, seeds: int
) -> None:
    rng = np.random.default_rng(seed)
    first, second = drawn(rng, tracks, seeds), drawn(rng, tracks, 3)
    found = difference(first, second)
    back = difference(second, first)
    assert (found.mean, found.low, found.p) == pytest.approx((-back.mean, -back.high, back.p))
    hard = 10 * rng.standard_normal((tracks, 1))
    moved = difference(first + hard + shift, second + hard)
    assert (moved.mean, moved.high - moved.low) == pytest.approx((found.mean + shift, found.high - found.low))
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_more_seeds_or_tracks_make_a_steady_difference_clearer() -> None:
    rng = np.random.default_rng(0)
    few, many = (difference(drawn(rng, 50, seeds, mean=0.5), drawn(rng, 50, seeds)) for seeds in (3, 20))
    assert few.error is not None
    assert many.error is not None
    assert many.error.standard < few.error.standard
    assert many.p < 1e-4


@pytest.mark.parametrize(("tracks", "seeds"), [(50, 1), (FEWEST_SAMPLES - 1, 5)])
def test_one_training_or_too_few_tracks_give_the_figure_alone(tracks: int, seeds: int) -> None:
    rng = np.random.default_rng(0)
    found = difference(drawn(rng, tracks, seeds, mean=9.0), drawn(rng, tracks, 5))
    assert found.mean == pytest.approx(9, abs=1)
    assert np.isnan([found.low, found.high, found.p]).all()
    assert found.error is None


def test_a_track_that_lacks_a_score_of_one_training_is_left_out() -> None:
    rng = np.random.default_rng(0)
    first, second = drawn(rng, 10, 3), drawn(rng, 10, 3)
    without = difference(first[1:], second[1:])
    first[0, 1] = np.nan
    assert difference(first, second) == without
    assert without.tracks == 9
    assert np.isnan(difference(first[:1], second[:1]).mean)


def test_the_components_are_those_that_the_scores_were_drawn_with() -> None:
    rng = np.random.default_rng(0)
    drawings = [components(drawn(rng, 50, 5), drawn(rng, 50, 5)) for _ in range(200)]
    assert np.mean([one.track for one in drawings]) == pytest.approx(2 * 0.5**2, rel=0.1)
    assert np.mean([one.training for one in drawings]) == pytest.approx(0.2**2, rel=0.1)
    assert np.mean([one.rest for one in drawings]) == pytest.approx(0.3**2, rel=0.05)


def test_equal_scores_differ_by_nothing() -> None:
    scores = np.tile(np.arange(6.0)[:, None], 2)
    found = difference(scores, scores)
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert found.error is not None
    assert found.error.detectable_db() == 0


@settings(max_examples=30, deadline=None)
@given(standard=st.floats(0.01, 2), degrees=st.floats(1.5, 100), alpha=st.sampled_from([0.05, 0.01]))
def test_what_is_detectable_is_found_with_that_power(standard: float, degrees: float, alpha: float) -> None:
    error = Error(standard, degrees)
    assert error.power(error.detectable_db(alpha), alpha) == pytest.approx(0.8, abs=1e-3)
    assert error.power(0.0, alpha) == pytest.approx(alpha, rel=0.05)


def test_the_error_to_expect_falls_with_seeds_down_to_that_of_the_tracks() -> None:
    known = Components(track=0.5, training=(0.04, 0.04), rest=(0.09, 0.09), tracks=50, trainings=(3, 3))
    errors = [known.error(50, (seeds, seeds)).standard for seeds in (2, 5, 100, 100_000)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == pytest.approx((0.5 / 50) ** 0.5, rel=0.01)
