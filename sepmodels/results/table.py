"""The table of all systems, made from the scores of every track."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd

from sepmodels.errors import UserError
from sepmodels.results.bootstrap import median_interval, per_track
from sepmodels.results.comparisons import compare, control
from sepmodels.results.conditions import unlike
from sepmodels.results.imported import comparable, left_out
from sepmodels.results.per_track import ALL_METRICS, TrackTable
from sepmodels.results.published import published_systems
from sepmodels.results.results import Results
from sepmodels.results.sentences import KNOWN_SEED_SPREAD, notes, seed_spread, sentence
from sepmodels.systems.system import System, in_table_order
from sepmodels.systems.variants import BASELINE

COLUMNS = ("variant", "seed", "track", "target", "metric", "window", "value")

Figures: TypeAlias = pd.DataFrame | Mapping[str, Mapping[str, float]]


def make_results(
    scores: pd.DataFrame,
    systems: Iterable[System],
    *,
    baseline: str = BASELINE,
    dataset: str | None = None,
    figures: Figures | None = None,
    trainings: pd.DataFrame | None = None,
) -> Results:
    """Sum up the table of scores.

    Args:
        scores: columns variant, seed, track, target, metric, window and value, as
            :func:`sepmodels.scoring.score_track` makes them, with seed and track added.
        systems: those of the table; one without scores counts as missing, and scores of any other are left out. Of
            systems that were scored elsewhere those tracks and targets count that ours have too
            (:func:`sepmodels.results.imported.comparable`).
        baseline: the system that the others are compared with.
        dataset: its name, for the caption and for published figures on it.
        figures: per variant, numbers to show beside the scores (a table indexed by variant, or a mapping of
            mappings); names say what they are ("training minutes").
        trainings: a row per training, with the fields of :class:`sepmodels.training.train.TrainingReport` that tell how
            it was made: where these differ, the notes say so.

    Raises:
        UserError: there are no scores, a column is missing, or a system scored elsewhere has none of our tracks.
    """
    check_scores(scores)
    expected = in_table_order(systems)
    elsewhere = [one.name for one in expected if one.place == "elsewhere"]
    passed_over = tuple(left_out(scores, elsewhere))
    table = TrackTable(comparable(scores, elsewhere))
    there = [one for one in expected if one.name in table.variants]
    titles = {one.name: one.title for one in expected}
    scenario = _scenario(dataset, table.targets)
    extra = figures if isinstance(figures, pd.DataFrame) else pd.DataFrame.from_dict(figures or {}, orient="index")
    changed = [one.name for one in there if one.compared and one.name != baseline]
    comparisons, again = compare(table, changed, baseline), control(table, baseline)
    trained = table.by_seed().loc[lambda rows: rows.variant.isin([one.name for one in there if one.seeded])]
    baseline_title = titles.get(baseline, baseline)
    spread = seed_spread(trained) or KNOWN_SEED_SPREAD
    return Results(
        summary=_summary(table, there).join(extra, on="variant").assign(scenario=scenario),
        comparisons=comparisons.assign(scenario=scenario),
        control=again.assign(scenario=scenario),
        by_seed=trained.reset_index(drop=True).assign(scenario=scenario),
        sentences={
            name: sentence(comparisons[comparisons.variant == name], titles[name], baseline_title, spread)
            for name in changed
        },
        notes=(
            *notes(comparisons, again, baseline_title),
            *(unlike(trainings, titles) if trainings is not None else ()),
            *passed_over,
        ),
        published=published_systems(dataset),
        missing=tuple(one.name for one in expected if one not in there),
        scenario=scenario,
        baseline_title=baseline_title,
        figures=tuple(extra.columns),
    )


def _scenario(dataset: str | None, targets: Iterable[str]) -> str:
    """What the numbers are, to be shown with them."""
    measured = f"{' + '.join(targets)}, BSSEval v4, 1 s windows, median over windows then over tracks"
    return f"{dataset}: {measured}" if dataset else measured


def _summary(table: TrackTable, systems: Iterable[System]) -> pd.DataFrame:
    """A row for each of these systems and each target: what is said of it, counts, and scores.

    Of a target that a system scored elsewhere has no scores for, there is no row: it is no gap of ours.
    """
    known = set(zip(table.table.variant, table.table.target, strict=True))
    return pd.DataFrame(
        {"variant": one.name, "title": one.title, "kind": one.kind, "place": one.place, "target": target}
        | table.counts(one.name, target)
        | scores_of(table, one.name, target)
        for one in systems
        for target in table.targets
        if one.place != "elsewhere" or (one.name, target) in known
    )


def check_scores(scores: pd.DataFrame) -> None:
    """Raise UserError unless this is a table of scores with a row."""
    lacking = [name for name in COLUMNS if name not in scores.columns]
    if lacking or scores.empty:
        fault = f"has no column {', '.join(lacking)}" if lacking else "is empty"
        raise UserError(f"The table of scores {fault}: score the estimates of at least one variant first.")


def scores_of(table: TrackTable, variant: str, target: str) -> dict[str, float]:
    """The columns of every metric for one row of the summary."""
    columns: dict[str, float] = {}
    for metric in ALL_METRICS:
        values = table.values(variant, target, metric)
        tracks = per_track(values)
        known = tracks[np.isfinite(tracks)]
        low, high = median_interval(values)
        columns |= {
            metric: float(np.median(known)) if known.size else np.nan,
            f"{metric}_low": low,
            f"{metric}_high": high,
            f"{metric}_mean": float(known.mean()) if known.size else np.nan,
        }
    return columns
