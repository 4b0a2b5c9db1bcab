"""Statistics of a listening test: ratings from 0 to 100 by several listeners, as the report's page gives them.

The test follows MUSHRA (ITU-R BS.1534-3): beside the systems there are a hidden reference and two anchors.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.stats

from sepmodels.errors import UserError
from sepmodels.results.bootstrap import LEVEL, Float64
from sepmodels.results.comparisons import holm
from sepmodels.results.crossed import satterthwaite, two_sided_p

REFERENCE = "(reference)"
HIDDEN = {REFERENCE: "Reference, hidden", "(mixture)": "Mixture", "(low-pass)": "Reference below 3.5 kHz"}
COLUMNS = ("listener", "track", "target", "system", "rating", "time")
_EXPECTED = "expected the CSV file that the report's listening test gives"
KNOWS_REFERENCE, MOST_MISSED = 90, 0.15  # BS.1534-3, 4.1.2: who rates it lower in more of the trials is left out


def read_ratings(files: Sequence[Path]) -> pd.DataFrame:
    """The ratings of all files: listener, track, target, system, rating. Of a repeated one the latest counts.

    Raises:
        UserError: a file cannot be read, lacks a column, or has a rating that is no number from 0 to 100.
    """
    table = pd.concat([_read(file) for file in files], ignore_index=True)
    of_one = ["listener", "track", "target", "system"]
    latest = table.sort_values("time", kind="stable").drop_duplicates(of_one, keep="last")
    return latest[[*of_one, "rating"]].sort_index(ignore_index=True)


def _read(file: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(file, dtype=dict.fromkeys(COLUMNS, str), keep_default_na=False)
    except (OSError, ValueError) as fault:
        raise UserError(f"{file} cannot be read as ratings ({fault}): {_EXPECTED}.") from None
    if missing := [name for name in COLUMNS if name not in table]:
        raise UserError(f"{file} lacks the column {missing[0]}: {_EXPECTED}.")
    ratings = pd.to_numeric(table.rating, errors="coerce")
    wrong = ~ratings.between(0, 100)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise UserError(f"{file}, line {row + 2}: the rating {table.rating[row]!r} is no number from 0 to 100.")
    if table.empty:
        raise UserError(f"{file} holds no rating.")
    return table[[*COLUMNS]].assign(rating=ratings)


def screened(ratings: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The ratings without the listeners who did not know the hidden reference, and the names of those."""
    hidden = ratings[ratings.system == REFERENCE]
    missed = (hidden.rating < KNOWS_REFERENCE).groupby(hidden.listener).mean()
    left_out = sorted(missed.index[missed > MOST_MISSED])
    return ratings[~ratings.listener.isin(left_out)].reset_index(drop=True), left_out


def rated(ratings: pd.DataFrame, baseline: str | None) -> pd.DataFrame:
    """A row for each target and system, the best first.

    Columns: target, system, listeners, tracks, mean with low and high (95 %); difference to the baseline on what both
    were rated on, with difference_low, difference_high and p after Holm's correction; NaN where they are not known.
    """
    rows = []
    for target, of_target in ratings.groupby("target", sort=False):
        tables = {name: _by_listener(rows) for name, rows in of_target.groupby("system", sort=False)}
        for name, table in tables.items():
            row = {"target": target, "system": name, "listeners": table.shape[1], "tracks": table.shape[0]}
            row |= dict(zip(("mean", "low", "high"), crossed_mean(table.to_numpy())[:3], strict=True))
            against = (np.nan,) * 4
            if baseline in tables and name not in (baseline, *HIDDEN):
                against = crossed_mean((table - tables[baseline]).to_numpy())
            rows.append(row | dict(zip(("difference", "difference_low", "difference_high", "p"), against, strict=True)))
    found = pd.DataFrame(rows)
    found["p"] = found.groupby("target").p.transform(holm)
    return found.sort_values(["target", "mean"], ascending=[False, False], ignore_index=True)


def _by_listener(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.pivot(index="track", columns="listener", values="rating")


def crossed_mean(values: Float64) -> tuple[float, float, float, float]:
    """The mean of ``(track, listener)`` values, its 95 % interval and the two-sided p of 0.

    Both are samples: the variance of the mean is that of the tracks' means plus that of the listeners', with the
    degrees of freedom of :mod:`sepmodels.results.crossed`. A value that is not there is left out of
    its means. With a single track or listener there is no interval for others.
    """
    values = values[np.isfinite(values).any(axis=1)][:, np.isfinite(values).any(axis=0)]
    if not values.size:
        return (np.nan,) * 4
    mean = float(np.nanmean(values))
    if min(values.shape) < 2:
        return mean, np.nan, np.nan, np.nan
    parts = [np.nanmean(values, axis=1 - axis).var(ddof=1) / values.shape[axis] for axis in (0, 1)]
    error = satterthwaite(parts, values.shape)
    margin = error.least(1 - LEVEL) * error.standard
    return mean, mean - margin, mean + margin, two_sided_p(mean, error)


def agreement(ratings: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """How well each measure orders what listeners heard: target, metric, correlation, pairs.

    The correlation is Spearman's, between the mean rating of a system on a track and its score there; each track's mean
    over its systems is taken off both first, because a track that is hard for all says nothing of the measure.

    scores: columns variant, track, target, metric, value: one for each track.
    """
    heard = ratings[~ratings.system.isin(HIDDEN)].groupby(["target", "track", "system"], as_index=False).rating.mean()
    both = heard.merge(scores.rename(columns={"variant": "system"}), on=["target", "track", "system"]).dropna()
    return pd.DataFrame(_agreements(both), columns=["target", "metric", "correlation", "pairs"])


def _agreements(both: pd.DataFrame) -> Iterator[tuple[str, str, float, int]]:
    for (target, metric), rows in both.groupby(["target", "metric"], sort=False):
        within = [rows[name] - rows.groupby("track")[name].transform("mean") for name in ("rating", "value")]
        if len(rows) > 2 and min(one.std() for one in within) > 0:
            yield target, metric, float(scipy.stats.spearmanr(*within).statistic), len(rows)
