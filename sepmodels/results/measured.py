"""What measures beside BSSEval say: a table of their own, with the same statistics as the table of scores."""

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from sepmodels.audio import target_of
from sepmodels.results.across import BETTER, NO_TEST, NOT_SHOWN, OTHER_MEASURES, WORSE, verdict
from sepmodels.results.artists import BY_DEFAULT, By
from sepmodels.results.bootstrap import Float64, median_interval, per_track
from sepmodels.results.comparisons import compare
from sepmodels.results.markdown import interval, number, table
from sepmodels.results.per_track import TrackTable
from sepmodels.scoring.measures import measures
from sepmodels.systems.system import System, in_table_order

COLUMNS = (
    *("variant", "title", "place", "target", "metric", "unit", "higher_is_better", "value", "low", "high"),
    *("tracks", "seeds", "no_value", "difference", "difference_low", "difference_high", "p_holm"),
    *("verdict", "untested", "baseline", "stale"),
)


def summed_up(
    rows: pd.DataFrame,
    systems: Iterable[System],
    baseline: str,
    stale: Mapping[str, str] | None = None,
    by: By = BY_DEFAULT,
) -> pd.DataFrame:
    """A row for each system, target and measure.

    rows: variant, seed, track, target, metric, window (<NA>) and value, of all systems. baseline: whom the others are
    compared with; nobody, while it has no measures. stale: of each system whose measures are not up to date, why. by:
    what is a sample, as :class:`~sepmodels.results.per_track.TrackTable` has it.

    Columns:
        value, low, high: the mean over seeds, then the median over tracks, in the measure's unit, with its 95 %
            bootstrap interval.
        tracks, seeds, no_value: how many there are; and of how many tracks and seeds the measure has no value.
        difference, difference_low, difference_high, p_holm: of :func:`sepmodels.results.comparisons.compare`, corrected
            over the systems for each measure; NaN where the system is not compared.
        verdict: better or worse than the baseline, as the measure counts, where p_holm is below 0.05.
        untested: why there is no test where the system is compared; else empty.
        baseline: its title. stale: why the measures of the system are not up to date; else empty.
    """
    known = measures()
    scored = TrackTable(rows, by)
    ordered = in_table_order(systems)
    there = [one for one in ordered if one.name in scored.variants]
    names = list(dict.fromkeys(rows.metric))
    titles = {one.name: one.title for one in ordered}
    changed = [one.name for one in there if one.compared and baseline in scored.variants and one.name != baseline]
    fixed = {one.name for one in there if not one.seeded}
    compared = compare(scored, changed, baseline, names, fixed).set_index(["variant", "target", "metric"])
    found = []
    for one in there:
        for target, metric in rows[["target", "metric"]].drop_duplicates().itertuples(index=False):
            values = scored.values(one.name, target, metric)
            means = per_track(values)
            finite = means[np.isfinite(means)]
            low, high = median_interval(values, scored.samples)
            row = {"variant": one.name, "title": one.title, "place": one.place, "target": target, "metric": metric}
            row |= {"unit": known[metric].unit, "higher_is_better": known[metric].higher_is_better}
            row |= {"value": float(np.median(finite)) if finite.size else np.nan, "low": low, "high": high}
            row |= {"tracks": len(values), "seeds": values.shape[1], "no_value": int(np.isnan(values).sum())}
            key = (one.name, target, metric)
            against = compared.loc[key] if key in compared.index else None
            row |= _against(against, higher_is_better=known[metric].higher_is_better)
            if row["verdict"] == NO_TEST:
                row["untested"] = _untested(one, values, scored.values(baseline, target, metric))
            found.append(
                {"untested": "", **row, "baseline": titles[baseline], "stale": (stale or {}).get(one.name, "")}
            )
    return pd.DataFrame(found, columns=list(COLUMNS))


def _against(compared: "pd.Series[float] | None", *, higher_is_better: bool) -> dict[str, float | str]:
    """The cells on the difference to the baseline."""
    if compared is None:
        return dict.fromkeys(("difference", "difference_low", "difference_high", "p_holm"), np.nan) | {"verdict": ""}
    gain = compared.difference if higher_is_better else -compared.difference
    figures = {"difference": compared.difference, "difference_low": compared.low, "difference_high": compared.high}
    return {**figures, "p_holm": compared.p_holm, "verdict": verdict(gain, compared.p_holm)}


def _untested(one: System, values: Float64, baseline: Float64) -> str:
    """Why there is no test of a difference, in a few words.

    Shape:
        values, baseline: ``(track, seed)``.
    """
    if not one.seeded and baseline.shape[1] < 2:
        return "one training of the baseline"
    if one.seeded and min(values.shape[1], baseline.shape[1]) < 2:
        return "one training each"
    return "a value on too few tracks"


def measured_markdown(found: pd.DataFrame) -> str:
    """The table of the target, such as the vocals, what each measure is, and which differences hold."""
    heads, rows = wide(found)
    said = [f"- **{name}**: {sentence}" for name, sentence in sentences(found).items()]
    said += [f"- {sentence}" for sentence in not_up_to_date(found)]
    cells = [[row["title"], *row["cells"]] for row in rows]
    shown = table([target_of(found.target).capitalize(), *heads], cells)
    return "\n\n".join([OTHER_MEASURES, shown, "\n".join(said)]) + "\n"


def wide(found: pd.DataFrame) -> tuple[list[str], list[dict[str, Any]]]:
    """Of the target: the head of each measure's column, and each system's title, variant, place and cells."""
    own = found[found.target == target_of(found.target)]
    names = list(dict.fromkeys(own.metric))
    rows = []
    for name, own_rows in own.groupby("variant", sort=False):
        first, cells = own_rows.iloc[0], own_rows.set_index("metric").to_dict("index")
        told = {"variant": name, "title": first.title, "place": first.place}
        rows.append({**told, "cells": [_cell(cells[name]) if name in cells else "-" for name in names]})
    return [_head(own[own.metric == name].iloc[0]) for name in names], rows


def _head(row: "pd.Series[Any]") -> str:
    unit = f", {row.unit}" if row.unit else ""
    return f"{row.metric} ({'higher' if row.higher_is_better else 'lower'} is better{unit})"


def _cell(row: dict[Hashable, Any]) -> str:
    return f"{number(row['value'])} {interval(row['low'], row['high'])}".strip()


def sentences(found: pd.DataFrame) -> dict[str, str]:
    """On each measure of the target: what it says, who is better or worse by it, and where it has no value."""
    told_of = {}
    own = found[found.target == target_of(found.target)]
    for name, rows in own.groupby("metric", sort=False):
        told = [measures()[str(name)].says]
        for kind in (BETTER, WORSE):
            if len(which := rows[rows.verdict == kind]):
                differences = "; ".join(map(_difference, which.to_dict("records")))
                told.append(f"{kind.capitalize()} than {rows.baseline.iloc[0]}: {differences}.")
        if len(which := rows[rows.verdict == NOT_SHOWN]):
            told.append(f"No difference is shown: {', '.join(which.title)}.")
        for reason, which in rows[rows.verdict == NO_TEST].groupby("untested", sort=False):
            told.append(f"No test ({reason}): {', '.join(which.title)}.")
        if lacking := int(rows.no_value.sum()):
            measured = int((rows.tracks * rows.seeds).sum())
            told.append(f"It has no value for {lacking} of {measured} tracks and trainings.")
        told_of[str(name)] = " ".join(told)
    return told_of


def not_up_to_date(found: pd.DataFrame) -> list[str]:
    """A sentence on each system whose measures were made of something else than what there is now."""
    behind = found[found.stale != ""].drop_duplicates("variant")
    return [f"These measures of {row.title} are not up to date: {row.stale}." for row in behind.itertuples()]


def _difference(row: dict[Hashable, Any]) -> str:
    known = "" if math.isnan(row["difference_low"]) else f" {interval(row['difference_low'], row['difference_high'])}"
    return f"{row['title']} {row['difference']:+.2f}{known}, p = {row['p_holm']:.2g}"
