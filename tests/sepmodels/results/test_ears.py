"""How measures agree with listeners."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from sepmodels.results.ears import LISTENER, agreement_with_ears, share_of_pairs, spearman


def heard(songs: int = 6, sounds: int = 5, listeners: int = 4, spread: float = 2.0) -> pd.DataFrame:
    """Ratings of sounds that are 10 points apart, at a level of its own for each song."""
    draws = np.random.default_rng(3)
    rows = [
        {"question": "quality", "song": f"song {song}", "sound": f"sound {sound}", "listener": f"listener {who}"}
        | {"rating": 10.0 * sound + 7 * song + spread * draws.standard_normal()}
        for song in range(songs)
        for sound in range(sounds)
        for who in range(listeners)
    ]
    return pd.DataFrame(rows)


def valued(ratings: pd.DataFrame, **measures) -> pd.DataFrame:
    means = ratings.groupby(["song", "sound"], as_index=False).rating.mean()
    return pd.concat(
        [means.assign(measure=name, value=value(means)).drop(columns="rating") for name, value in measures.items()]
    )


def test_a_measure_that_orders_as_listeners_do_agrees_whatever_its_scale_or_the_song() -> None:
    ratings = heard()
    values = valued(
        ratings,
        good=lambda rows: np.exp(rows.rating / 20) - 100 * rows.song.str[-1].astype(int),
        reversed=lambda rows: -rows.rating,
        constant=lambda rows: 0 * rows.rating,
    )
    found = agreement_with_ears(ratings, values).set_index("measure")
    assert list(found.index) == ["good", "constant", "reversed", LISTENER]
    assert list(found.correlation[:3]) == [1, 0, -1]
    assert list(found.pairs[:3]) == [1, 0.5, 0]
    assert (found.songs == 6).all()
    assert (found.sounds == 30).all()
    assert 0.9 < found.correlation[LISTENER] <= 1


def test_the_interval_is_over_songs() -> None:
    ratings = heard(songs=8)
    turned = {f"song {number}": -1 if number < 2 else 1 for number in range(8)}  # two songs the other way round
    values = valued(ratings, mixed=lambda rows: rows.rating * rows.song.map(turned))
    row = agreement_with_ears(ratings, values).iloc[0]
    assert row.correlation == pytest.approx(0.5)
    assert row.pairs == pytest.approx(0.75)
    exact = scipy.stats.binom.ppf([0.025, 0.975], 8, 0.25) / 8  # of the share of turned songs in a resample
    assert [row.correlation_low, row.correlation_high] == pytest.approx(sorted(1 - 2 * exact), abs=0.26)  # a song


def test_below_six_songs_there_is_no_interval_and_such_measures_are_listed_last() -> None:
    ratings = heard(songs=6)
    values = valued(
        ratings,
        five=lambda rows: rows.rating.where(rows.song != "song 0"),
        six=lambda rows: -rows.rating,
    )
    found = agreement_with_ears(ratings, values)
    assert list(found.measure) == ["six", "five", LISTENER]
    edges = [name for name in found if name.endswith(("_low", "_high"))]
    assert found[edges].notna().all(axis=1).to_list() == [True, False, True]


def test_a_listener_of_a_song_in_which_the_others_rate_all_alike_is_left_out() -> None:
    ratings = heard(listeners=2)
    alike = (ratings.song == "song 0") & (ratings.listener == "listener 0")
    found = agreement_with_ears(
        ratings.assign(rating=ratings.rating.mask(alike, 50.0)), valued(ratings, one=lambda rows: rows.rating)
    )
    (row,) = found[found.measure == LISTENER].itertuples()
    assert row.songs == 6
    assert np.isfinite([row.correlation, row.pairs, row.pairs_low]).all()


def test_what_has_no_value_is_left_out_and_a_song_of_two_sounds_says_nothing() -> None:
    ratings = heard()
    values = valued(ratings, some=lambda rows: rows.rating.where((rows.song != "song 0") | (rows.sound < "sound 2")))
    found = agreement_with_ears(ratings, values).set_index("measure")
    assert found.songs["some"] == 5
    assert found.songs[LISTENER] == 6


def test_correlation_and_pairs_are_those_of_scipy() -> None:
    draws = np.random.default_rng(1)
    rating, value = draws.integers(0, 6, (2, 40)).astype(float)
    assert spearman(rating, value) == pytest.approx(scipy.stats.spearmanr(rating, value).statistic)
    rating = draws.permutation(40).astype(float)
    value = np.random.default_rng(2).permutation(40).astype(float)
    assert share_of_pairs(rating, value) == pytest.approx((1 + scipy.stats.kendalltau(rating, value).statistic) / 2)
