"""``sepbench votes``: what the listeners of a listening test heard, beside what the measures say."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assets.paths import Paths
from pipelines.terminal import printable
from sepmodels.results.listening import HIDDEN, KNOWS_REFERENCE, MOST_MISSED, agreement, rated, read_ratings, screened
from sepmodels.results.per_track import SHOWN_METRICS, track_scores
from sepmodels.settings import Profile
from sepmodels.systems.variants import BASELINE


def show_votes(profile: Profile, paths: Paths, console: Console, files: Sequence[Path]) -> None:
    """Print a table for each target, and how well the measures agree with the listeners.

    Raises :class:`UserError` for a file that holds no ratings.
    """
    ratings, left_out = screened(read_ratings(files))
    titles = HIDDEN | _titles(paths)
    if left_out:
        console.print(
            f"Left out, because the hidden reference was rated below {KNOWS_REFERENCE} in over {MOST_MISSED:.0%} of "
            f"the tracks (ITU-R BS.1534-3): {escape(printable(', '.join(left_out)))}.",
            highlight=False,
            soft_wrap=True,
        )
    if ratings.empty:
        console.print("No listener is left.")
        return
    found = rated(ratings, BASELINE)
    for target, rows in found.groupby("target", sort=False):
        console.print(_table(str(target), rows, titles))
    console.print(_ends(found), highlight=False, soft_wrap=True)
    scores = _scores(profile, paths, ratings)
    for line in _agreements(agreement(ratings, scores)) if len(scores) else ():
        console.print(line, highlight=False, soft_wrap=True)


def _table(target: str, rows: pd.DataFrame, titles: dict[str, str]) -> Table:
    against = titles.get(BASELINE, BASELINE)
    listing = Table(title=f"Ratings of the {target}, 0 to 100", box=None, pad_edge=False, title_justify="left")
    listing.add_column("system")
    for name in ("mean", "95 %", f"against {against}", "p", "listeners", "tracks"):
        listing.add_column(name, justify="right")
    for row in rows.itertuples():
        listing.add_row(
            escape(printable(titles.get(row.system, row.system))),
            f"{row.mean:.0f}",
            _interval(row.low, row.high),
            _difference(row),
            "" if math.isnan(row.p) else f"{row.p:.2g}",
            str(row.listeners),
            str(row.tracks),
        )
    return listing


def _difference(row: Any) -> str:
    if math.isnan(row.difference):
        return ""
    return f"{row.difference:+.0f} {_interval(row.difference_low, row.difference_high)}".rstrip()


def _interval(low: float, high: float) -> str:
    return "" if math.isnan(low) else f"({low:.0f} to {high:.0f})"


def _ends(found: pd.DataFrame) -> str:
    if found.low.isna().all():
        return "One listener or one track says nothing of others: no interval is known, and no difference is claimed."
    return "Intervals and p (Holm) are for other listeners and other tracks."


def _titles(paths: Paths) -> dict[str, str]:
    """Of the last table, where there is one."""
    file = paths.results / "results.parquet"
    if not file.exists():
        return {}
    table = pd.read_parquet(file)
    return dict(zip(table.variant, table.title, strict=True))


def _scores(profile: Profile, paths: Paths, ratings: pd.DataFrame) -> pd.DataFrame:
    """Of the trainings that are heard, which are those of the first seed."""
    files = (paths.scores(name) for name in ratings.system.unique() if name not in HIDDEN)
    tables = [track_scores(pd.read_parquet(file)) for file in files if file.exists()]
    if not tables:
        return pd.DataFrame()
    table = pd.concat(tables, ignore_index=True)
    heard = table[table.seed.isin([0, profile.seeds[0]]) & table.metric.isin(SHOWN_METRICS)]
    return heard[["variant", "track", "target", "metric", "value"]]


def _agreements(found: pd.DataFrame) -> list[str]:
    lines = []
    for target, rows in found.groupby("target", sort=False):
        ordered = rows.sort_values("correlation", ascending=False)
        words = ", ".join(f"{row.metric} {row.correlation:.2f}" for row in ordered.itertuples())
        lines.append(
            f"How well the measures order what was heard of the {target} (Spearman's correlation, within tracks, "
            f"{ordered.pairs.iloc[0]} pairs): {words}."
        )
    return lines
