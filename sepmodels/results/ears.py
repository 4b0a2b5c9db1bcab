"""Do measures follow the ear: how each agrees with the ratings of a listening test, within songs."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
import scipy.stats

from sepmodels.results.bootstrap import LEVEL, RANDOM_SEED, RESAMPLES, Float64

LISTENER = "one listener"  # against the mean of the others: what no measure need exceed
_FEWEST_SOUNDS = 3  # of a song, for a correlation that says anything
FEWEST_SONGS = 6  # for an interval: that of two songs would be the lower and the higher one, whatever their spread


def agreement_with_ears(ratings: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """How each measure orders the sounds of a song as listeners do; nothing is compared across songs.

    Args:
        ratings: columns question, song, sound, listener and rating; more is better.
        values: columns measure, song, sound and value, turned so that more is better. NaN is left out.

    Returns:
        A row per question and measure, the one that agrees best first, those without an interval after the others, and
        one for :data:`LISTENER`. Columns question, measure, songs, sounds; correlation (Spearman's in each song, the
        mean over songs) and pairs (the share of pairs of sounds of a song that it orders as the listeners' mean does;
        a tie counts half), each with _low and _high: a 95 % percentile bootstrap over songs, NaN for fewer than
        :data:`FEWEST_SONGS`.
    """
    rows = []
    for question, asked in ratings.groupby("question", sort=False):
        heard = asked.groupby(["song", "sound"], as_index=False).rating.mean()
        found = [
            {"question": question, "measure": measure} | row
            for measure, of_measure in values.dropna().groupby("measure", sort=False)
            if (row := _over_songs(list(_songs(heard.merge(of_measure, on=["song", "sound"])))))
        ]
        rows += sorted(found, key=lambda row: (row["songs"] < FEWEST_SONGS, -row["correlation"]))
        if listener := _over_songs(list(_listeners(asked))):
            rows.append({"question": question, "measure": LISTENER} | listener)
    return pd.DataFrame(rows)


def _songs(both: pd.DataFrame) -> Iterator[tuple[float, float, int]]:
    """The correlation, the share of pairs and the number of sounds of each song that has enough of them."""
    for _, rows in both.groupby("song"):
        if len(rows) >= _FEWEST_SOUNDS and rows.rating.nunique() > 1:
            rating, value = (rows[name].to_numpy(np.float64) for name in ("rating", "value"))
            yield spearman(rating, value), share_of_pairs(rating, value), len(rows)


def _listeners(asked: pd.DataFrame) -> Iterator[tuple[float, float, int]]:
    """The same for each song of a listener against the mean of the others: the mean over the song's listeners."""
    for _, rows in asked.groupby("song"):
        table = rows.pivot_table(index="sound", columns="listener", values="rating")
        if len(table) < _FEWEST_SOUNDS or table.shape[1] < 2:
            continue
        each = []
        for listener in table:
            both = pd.DataFrame({"others": table.drop(columns=listener).mean(axis=1), "own": table[listener]}).dropna()
            if len(both) >= _FEWEST_SOUNDS and both.others.nunique() > 1:
                others, own = (both[name].to_numpy(np.float64) for name in ("others", "own"))
                each.append((spearman(others, own), share_of_pairs(others, own)))
        if each:
            yield *np.mean(each, axis=0), len(table)


def spearman(rating: Float64, value: Float64) -> float:
    """Spearman's rank correlation; 0 for a measure that is the same for all, which says nothing.

    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 30.0, 20.0]))
    0.5
    """
    ranks = [scipy.stats.rankdata(one) for one in (rating, value)]
    if min(one.std() for one in ranks) == 0:
        return 0.0
    return float(np.round(np.corrcoef(*ranks)[0, 1], 12))


def share_of_pairs(rating: Float64, value: Float64) -> float:
    """The share of pairs that differ in rating and that the value orders the same way; a tie of the value counts half.

    >>> share_of_pairs(np.array([1.0, 2.0, 2.0]), np.array([10.0, 10.0, 20.0]))
    0.75
    """
    points = []
    for one, other in combinations(range(len(rating)), 2):
        if rating[one] != rating[other]:
            same = (rating[one] > rating[other]) == (value[one] > value[other])
            points.append(0.5 if value[one] == value[other] else float(same))
    return float(np.mean(points)) if points else np.nan


def _over_songs(songs: list[tuple[float, float, int]]) -> dict[str, float]:
    """Means over songs with their intervals; nothing where no song has enough sounds."""
    if not songs:
        return {}
    table = np.array(songs, dtype=np.float64)
    row: dict[str, float] = {"songs": len(table), "sounds": int(table[:, 2].sum())}
    draws = np.random.default_rng(RANDOM_SEED).integers(len(table), size=(RESAMPLES, len(table)))
    for name, of_songs in (("correlation", table[:, 0]), ("pairs", table[:, 1])):
        edges = np.quantile(of_songs[draws].mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        low, high = edges if len(table) >= FEWEST_SONGS else (np.nan, np.nan)
        row |= {name: float(of_songs.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}
    return row
