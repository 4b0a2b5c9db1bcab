"""Tracks of one artist are one sample: of the tests, of the intervals, and in what the table says."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.calibration import Cell, simulate
from sepmodels.results.artists import samples_of, sampling_notes
from sepmodels.results.bootstrap import median_interval
from sepmodels.results.crossed import by_sample, difference
from sepmodels.results.table import make_results
from sepmodels.systems.variants import VARIANTS

TWO_EACH = [f"Band {band} - {title}" for band in range(6) for title in ("One", "Two")]


@given(tracks=st.lists(st.text(min_size=1), min_size=1, unique=True))
def test_each_track_has_a_sample_and_the_samples_are_numbered_from_zero(tracks: list[str]) -> None:
    for by in ("artist", "track"):
        samples = samples_of(tracks, by)
        assert len(samples) == len(tracks)
        assert set(samples) == set(range(samples.max() + 1))
    assert len(set(samples_of(tracks, "track"))) == len(tracks)


def test_tracks_of_one_artist_share_a_sample_unless_all_do() -> None:
    assert samples_of(TWO_EACH, "artist").tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert samples_of(TWO_EACH[:2], "artist").tolist() == [0, 1]


def test_the_test_is_that_of_the_artists_means() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 12, 3))
    samples = samples_of(TWO_EACH, "artist")
    found = difference(first, second, samples=samples)
    means = difference(first.reshape(6, 2, 3).mean(axis=1), second.reshape(6, 2, 3).mean(axis=1))
    assert (found.mean, found.low, found.high, found.p) == pytest.approx((means.mean, means.low, means.high, means.p))
    assert (found.tracks, found.samples) == (12, 6)
    np.testing.assert_array_equal(by_sample(first, np.arange(12)), first)


def test_equal_recipes_are_called_different_too_often_only_where_each_track_is_a_sample() -> None:
    five_singers = Cell(tracks=55, seeds=5, seed_db=0.2, track_db=1.0, heavy_tailed=False, artists=5)
    shares = simulate(five_singers, 150)
    most = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)
    assert max(shares["claims"], shares["family"]) < most < shares["by track"]


def test_the_interval_of_a_median_draws_artists_with_all_their_tracks() -> None:
    rng = np.random.default_rng(0)
    of_artist = 3 * rng.standard_normal(12)
    values = np.repeat(of_artist, 5)[:, None] + 0.01 * rng.standard_normal((60, 2))
    by_track, by_artist = median_interval(values), median_interval(values, np.repeat(np.arange(12), 5))
    of_means = median_interval(of_artist[:, None])
    assert by_artist[1] - by_artist[0] > 1.5 * (by_track[1] - by_track[0])
    assert by_artist == pytest.approx(of_means, abs=0.5)
    assert median_interval(values, np.arange(60)) == by_track


def test_artists_with_unequal_numbers_of_tracks_give_the_median_of_the_tracks_drawn() -> None:
    values = np.array([[0.0], [10.0], [10.0], [10.0]])
    low, high = median_interval(values, np.array([0, 1, 1, 1]))
    assert (low, high) == (0, 10)  # of 0 twice, of 0 and three times 10, of six times 10
    assert np.isnan(median_interval(values, np.zeros(4, dtype=int))).all()


@pytest.mark.parametrize(
    ("tracks", "by", "said"),
    [
        (["a", "b"], "artist", []),
        (TWO_EACH[:4], "artist", ["The 4 tracks are of 2 artists. Songs of one are alike"]),
        (TWO_EACH[:4], "track", ["(statistics_by=track): where songs of an artist are alike, a difference is"]),
        (TWO_EACH[:2], "artist", ["All 2 tracks are of Band 0: what is found holds for that artist's songs at most."]),
    ],
)
def test_the_table_says_what_its_samples_are(tracks: list[str], by: Any, said: list[str]) -> None:
    notes = sampling_notes(tracks, by)
    assert len(notes) == len(said)
    assert all(part in note for part, note in zip(said, notes, strict=True))


def test_too_few_artists_are_too_few_however_many_tracks_they_have() -> None:
    tracks = [f"singer{singer}_1_{clip:02}" for singer in range(4) for clip in range(10)]
    results = made_results(tracks)
    assert "on the vocals, on average over 40 tracks of 4 artists" in results.sentences["l1_loss"]
    assert "too few artists for a test (at least 5 are needed)" in results.sentences["l1_loss"]
    by_track = made_results(tracks, by="track")
    assert "on the vocals, on average over 40 tracks:" in by_track.sentences["l1_loss"]
    assert by_track.comparisons.p.notna().all()
    assert any("statistics_by=track" in note for note in by_track.notes)


def made_results(tracks: list[str], **options: Any):
    """Of two variants with three seeds each."""
    rng = np.random.default_rng(0)
    rows = [
        (variant, seed, track, target, metric, 0, rng.normal())
        for variant in ("open_unmix", "l1_loss")
        for seed in (1, 2, 3)
        for track in tracks
        for target in ("vocals", "accompaniment")
        for metric in ("SDR", "SIR", "SAR", "ISR", "uSDR", "SI-SDR")
    ]
    scores = pd.DataFrame(rows, columns=["variant", "seed", "track", "target", "metric", "window", "value"])
    return make_results(scores, [VARIANTS[name] for name in ("open_unmix", "l1_loss")], **options)
