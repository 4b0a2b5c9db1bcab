"""The table of all systems, made from the scores of every track."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

from sepmodels.errors import UserError
from sepmodels.results.against import against
from sepmodels.results.artists import BY_DEFAULT, By, sampling_notes
from sepmodels.results.bootstrap import median_interval, per_track
from sepmodels.results.conditions import unlike
from sepmodels.results.fair import fairness_notes, learnt_tracks, place, remark
from sepmodels.results.imported import comparable, left_out
from sepmodels.results.per_track import ALL_METRICS, TrackTable
from sepmodels.results.published import published_systems
from sepmodels.results.results import Results
from sepmodels.systems.system import PLACES, System, in_table_order
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
    stale: Mapping[str, str] | None = None,
    by: By = BY_DEFAULT,
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
        trainings: a row per training, with what is known of how it was made
            (:data:`sepmodels.results.conditions.CONDITIONS`): where these differ, marks, sentences and notes say so.
        stale: of each system that is not up to date, why.
        by: what is a sample of the tests and intervals: an artist, with all tracks, or a track.

    Raises:
        UserError: there are no scores, a column is missing, or a system scored elsewhere has none of our tracks.
    """
    check_scores(scores)
    expected = in_table_order(systems)
    elsewhere = [one.name for one in expected if one.place == "elsewhere"]
    passed_over = tuple(left_out(scores, elsewhere))
    table = TrackTable(comparable(scores, elsewhere), by)
    there = [one for one in expected if one.name in table.variants]
    titles = {one.name: one.title for one in expected}
    learnt = learnt_tracks(expected)
    scenario = _scenario(dataset, table.targets)
    extra = figures if isinstance(figures, pd.DataFrame) else pd.DataFrame.from_dict(figures or {}, orient="index")
    seeded = [one.name for one in there if one.seeded]
    trained = table.by_seed().loc[lambda rows: rows.variant.isin(seeded)]
    found = against(table, there, baseline, trainings, stale)
    shared = (
        *(unlike(trainings, titles) if trainings is not None else ()),
        *(f"{titles[one.name]} is stale: {stale[one.name]}." for one in there if stale and one.name in stale),
        *passed_over,
        *sampling_notes(table.tracks, by),
        *fairness_notes(there, learnt, table),
    )
    return Results(
        summary=_summary(table, there, learnt, found.unequal).join(extra, on="variant").assign(scenario=scenario),
        comparisons=found.comparisons.assign(scenario=scenario),
        control=found.control.assign(scenario=scenario),
        by_seed=trained.reset_index(drop=True).assign(scenario=scenario),
        sentences=dict(found.sentences),
        notes=(*found.notes, *shared),
        shared_notes=shared,
        published=published_systems(dataset if table.target == "vocals" else None),
        missing=tuple(one.name for one in expected if one not in there),
        scenario=scenario,
        baseline_title=titles.get(baseline, baseline),
        figures=tuple(extra.columns),
    )


def _scenario(dataset: str | None, targets: Iterable[str]) -> str:
    """What the numbers are, to be shown with them."""
    measured = f"{' + '.join(targets)}, BSSEval v4, 1 s windows, median over windows then over tracks"
    return f"{dataset}: {measured}" if dataset else measured


def _summary(
    table: TrackTable, systems: Iterable[System], learnt: Mapping[str, Sequence[str]], terms: Mapping[str, str]
) -> pd.DataFrame:
    """A row for each of these systems and each target: what is said of it, counts, and scores.

    Of a target that a system scored elsewhere has no scores for, there is no row: it is no gap of ours.
    """
    known = set(zip(table.table.variant, table.table.target, strict=True))
    rows = pd.DataFrame(
        _told(one, learnt[one.name], table, target)
        | {"target": target, "unequal": terms[one.name]}
        | table.counts(one.name, target)
        | scores_of(table, one.name, target)
        for one in systems
        for target in table.targets
        if one.place != "elsewhere" or (one.name, target) in known
    )
    return rows.sort_values("place", key=lambda places: places.map(PLACES.index), kind="stable", ignore_index=True)


def _told(system: System, learnt: Sequence[str], table: TrackTable, target: str) -> dict[str, str]:
    """What is said of a system in its row."""
    said = remark(system, learnt, table.tracks, table.counts(system.name, target))
    named = {"variant": system.name, "title": system.title, "kind": system.kind}
    return {**named, "place": place(system, said), "remark": said}


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
        low, high = median_interval(values, table.samples)
        columns |= {
            metric: float(np.median(known)) if known.size else np.nan,
            f"{metric}_low": low,
            f"{metric}_high": high,
            f"{metric}_mean": float(known.mean()) if known.size else np.nan,
        }
    return columns
