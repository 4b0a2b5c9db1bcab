"""The table of all systems, made from the scores of every track."""

from collections.abc import Mapping
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
from sepmodels.systems.references import REFERENCES, Bound
from sepmodels.systems.variants import BASELINE, ON_REQUEST, VARIANTS

BOUNDS: Mapping[str, Bound] = {name: reference.bound for name, reference in REFERENCES.items()}
TITLES = {name: variant.title for name, variant in VARIANTS.items() if name not in ON_REQUEST} | {
    name: reference.title for name, reference in REFERENCES.items()
}
COLUMNS = ("variant", "seed", "track", "target", "metric", "window", "value")

Figures: TypeAlias = pd.DataFrame | Mapping[str, Mapping[str, float]]


def make_results(
    scores: pd.DataFrame,
    *,
    baseline: str = BASELINE,
    titles: Mapping[str, str] = TITLES,
    references: Mapping[str, Bound] = BOUNDS,
    imported: tuple[str, ...] = (),
    dataset: str | None = None,
    figures: Figures | None = None,
    trainings: pd.DataFrame | None = None,
) -> Results:
    """Sum up the table of scores.

    Args:
        scores: columns variant, seed, track, target, metric, window and value, as
            :func:`sepmodels.scoring.score_track` makes them, with seed and track added.
        baseline: the variant that the others are compared with.
        titles: what tables show for each system, in the tables' order; those without scores count as missing.
        references: systems that need no training: floors, shown above the trained ones, and ceilings, below them.
        imported: systems of others whose scores were read from museval files; shown last, and not compared. Of their
            tracks and targets those count that ours have too (:func:`sepmodels.results.imported.comparable`).
        dataset: its name, for the caption and for published figures on it.
        figures: per variant, numbers to show beside the scores (a table indexed by variant, or a mapping of
            mappings); names say what they are ("training minutes").
        trainings: a row per training, with the fields of :class:`sepmodels.training.train.TrainingReport` that tell how
            it was made: where these differ, the notes say so.

    Raises:
        UserError: there are no scores, a column is missing, or an imported system has none of our tracks.
    """
    check_scores(scores)
    passed_over = tuple(left_out(scores, imported))
    scores = comparable(scores, imported)
    table = TrackTable(scores)
    kinds = dict.fromkeys(references, "reference") | dict.fromkeys(imported, "imported")
    systems = in_order(table.variants, tuple(titles), references, imported)
    scenario = (f"{dataset}: " if dataset else "") + (
        f"{' + '.join(table.targets)}, BSSEval v4, 1 s windows, median over windows then over tracks"
    )
    words = {
        name: {"title": titles.get(name, name), "kind": kinds.get(name, "trained"), "bound": references.get(name, "")}
        for name in systems
    }
    extra = figures if isinstance(figures, pd.DataFrame) else pd.DataFrame.from_dict(figures or {}, orient="index")
    changed = [name for name in systems if name not in kinds and name != baseline]
    comparisons, again = compare(table, changed, baseline), control(table, baseline)
    trained = table.by_seed().loc[lambda rows: ~rows.variant.isin(kinds)]
    baseline_title = titles.get(baseline, baseline)
    spread = seed_spread(trained) or KNOWN_SEED_SPREAD
    return Results(
        summary=_summary(table, words).join(extra, on="variant").assign(scenario=scenario),
        comparisons=comparisons.assign(scenario=scenario),
        control=again.assign(scenario=scenario),
        by_seed=trained.reset_index(drop=True).assign(scenario=scenario),
        sentences={
            name: sentence(comparisons[comparisons.variant == name], titles.get(name, name), baseline_title, spread)
            for name in changed
        },
        notes=(
            *notes(comparisons, again, baseline_title),
            *(unlike(trainings, titles) if trainings is not None else ()),
            *passed_over,
        ),
        published=published_systems(dataset),
        missing=tuple(name for name in titles if name not in table.variants),
        scenario=scenario,
        baseline_title=baseline_title,
        figures=tuple(extra.columns),
    )


def _summary(table: TrackTable, words: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """A row for each of these systems and target that it has scores of: what is said of it, counts, and scores."""
    scored = set(zip(table.table.variant, table.table.target, strict=True))
    return pd.DataFrame(
        {"variant": name, **said, "target": target} | table.counts(name, target) | scores_of(table, name, target)
        for name, said in words.items()
        for target in table.targets
        if said["kind"] != "imported" or (name, target) in scored
    )


def check_scores(scores: pd.DataFrame) -> None:
    """Raise UserError unless this is a table of scores with a row."""
    lacking = [name for name in COLUMNS if name not in scores.columns]
    if lacking or scores.empty:
        fault = f"has no column {', '.join(lacking)}" if lacking else "is empty"
        raise UserError(f"The table of scores {fault}: score the estimates of at least one variant first.")


def in_order(
    present: tuple[str, ...], expected: tuple[str, ...], references: Mapping[str, Bound], imported: tuple[str, ...]
) -> list[str]:
    """Systems in the table's order: floors, the trained ones as expected and any others, ceilings, imported ones.

    >>> in_order(("b", "oracle", "mixture", "new", "a"), ("a", "b"), {"oracle": "ceiling", "mixture": "floor"}, ())
    ['mixture', 'a', 'b', 'new', 'oracle']
    """
    trained = [name for name in dict.fromkeys(expected + present) if name not in (*references, *imported)]
    floors, ceilings = ([name for name in references if references[name] == bound] for bound in ("floor", "ceiling"))
    return [name for name in (*floors, *trained, *ceilings, *imported) if name in present]


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
