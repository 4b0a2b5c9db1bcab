"""The results: one table over all systems, what it says, and its files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.results.bootstrap import median_interval, per_track
from sepmodels.results.comparisons import compare, control
from sepmodels.results.conditions import unlike
from sepmodels.results.imported import comparable, left_out
from sepmodels.results.markdown import results_markdown
from sepmodels.results.per_track import ALL_METRICS, TrackTable
from sepmodels.results.published import published_systems
from sepmodels.results.sentences import KNOWN_SEED_SPREAD, notes, seed_spread, sentence
from sepmodels.systems.references import REFERENCES, Bound
from sepmodels.systems.variants import BASELINE, ON_REQUEST, VARIANTS

BOUNDS: Mapping[str, Bound] = {name: reference.bound for name, reference in REFERENCES.items()}
TITLES = {name: variant.title for name, variant in VARIANTS.items() if name not in ON_REQUEST} | {
    name: reference.title for name, reference in REFERENCES.items()
}
COLUMNS = ("variant", "seed", "track", "target", "metric", "window", "value")

Figures: TypeAlias = pd.DataFrame | Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Results:
    """What was measured, summed up.

    summary: a row per system and target, floors first and ceilings after the trained ones (column ``kind`` is
        "trained", "reference" or "imported"; column ``bound`` "floor" or "ceiling", of references alone). For each
        metric M the columns M (median over windows, mean over seeds, median over tracks),
        M_low and M_high (its 95 % bootstrap interval) and M_mean (mean over tracks of the medians over windows),
        in dB; numbers of tracks, seeds, windows, nan_windows and missing_tracks; the figures given per variant;
        and ``scenario``, the same in every row, so that no copy of the table is without it.
    comparisons: each trained variant against the baseline (:func:`sepmodels.results.comparisons.compare`).
    control: the baseline against itself (:func:`sepmodels.results.comparisons.control`).
    by_seed: a row per trained system, target and seed, with every metric's median over windows then over tracks, in dB:
        how far apart trainings of the same variant end.
    sentences: per trained variant other than the baseline, what its change did to the vocals.
    notes: sentences on what the table as a whole can tell: the smallest difference that it finds, its control,
        how its trainings differ in what no recipe says, what of imported systems is left out.
    published: what others have published on this dataset (:func:`sepmodels.results.published.published_systems`).
    missing: names of systems that were expected and are not there.
    scenario: what the numbers are, to be shown with them.
    baseline_title: what the baseline is called in tables.
    figures: the columns of ``summary`` that hold the figures given per variant.
    """

    summary: pd.DataFrame
    comparisons: pd.DataFrame
    control: pd.DataFrame
    by_seed: pd.DataFrame
    sentences: dict[str, str]
    notes: tuple[str, ...]
    published: pd.DataFrame
    missing: tuple[str, ...]
    scenario: str
    baseline_title: str
    figures: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every expected system has been scored on every track."""
        return not self.missing and not self.summary.missing_tracks.any()

    def to_markdown(self) -> str:
        """The tables and sentences for people, with the scenario above."""
        return results_markdown(self)

    def write(self, folder: Path) -> dict[str, Path]:
        """Write results.md, and every table as .parquet and .csv, each whole or not at all."""
        tables = {
            "results": self.summary,
            "comparisons": self.comparisons,
            "control": self.control,
            "by_seed": self.by_seed,
        }
        paths = {}
        for name, table in tables.items():
            for suffix, write in ((".parquet", table.to_parquet), (".csv", table.to_csv)):
                paths[name + suffix] = folder / (name + suffix)
                with replacing(folder / (name + suffix)) as temporary:
                    write(temporary, index=False)
        paths["results.md"] = folder / "results.md"
        with replacing(paths["results.md"]) as temporary:
            temporary.write_text(self.to_markdown(), encoding="utf-8")
        return paths


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
