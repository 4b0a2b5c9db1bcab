"""The results: one table over all variants, what it says, and its files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

from sepmodels.aggregation import ALL_METRICS, TrackTable
from sepmodels.comparisons import compare
from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.intervals import median_interval, per_track
from sepmodels.sentences import sentence
from sepmodels.variants import BASELINE, VARIANTS

SCENARIO = "vocals + accompaniment, BSSEval v4, 1 s windows, median over windows then over tracks"
REFERENCE_TITLES = {"mixture": "Mixture as the estimate", "oracle_mask": "Ideal ratio mask"}
TITLES = {name: variant.title for name, variant in VARIANTS.items()} | REFERENCE_TITLES
SEED = 42

Figures: TypeAlias = pd.DataFrame | Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Results:
    """What was measured, summed up.

    summary: a row per system and target, references apart from trained variants (column ``kind``). For each
        metric M the columns M (median over windows, mean over seeds, median over tracks), M_low and M_high (its
        95 % bootstrap interval) and M_mean (mean over tracks of the medians over windows), in dB; numbers of
        tracks, seeds, windows, nan_windows and missing_tracks; and the figures given per variant.
    comparisons: each trained variant against the baseline (:func:`sepmodels.comparisons.compare`).
    sentences: per trained variant other than the baseline, what its change did.
    missing: names of variants that were expected and are not there.
    scenario: what the numbers are, to be shown with them.
    """

    summary: pd.DataFrame
    comparisons: pd.DataFrame
    sentences: dict[str, str]
    missing: tuple[str, ...]
    scenario: str

    @property
    def complete(self) -> bool:
        """Whether every expected variant has been scored on every track."""
        return not self.missing and not self.summary.missing_tracks.fillna(0).any()

    def to_markdown(self) -> str:
        """The table for people, with its scenario above."""
        shown = self.summary[["title", "target", "SDR", "SIR", "SAR", "ISR", "uSDR", "SI-SDR", "nan_windows"]]
        lines = [f"{self.scenario}; dB.", "", "| " + " | ".join(shown.columns) + " |"]
        lines.append("|" + "---|" * len(shown.columns))
        for row in shown.itertuples(index=False):
            cells = [f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row]
            lines.append("| " + " | ".join(cells) + " |")
        lines += ["", *(f"- {text}" for text in self.sentences.values())]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> dict[str, Path]:
        """Write results.parquet, results.csv and results.md into ``folder``, each whole or not at all."""
        paths = {suffix: folder / f"results.{suffix}" for suffix in ("parquet", "csv", "md")}
        with replacing(paths["parquet"]) as temporary:
            self.summary.to_parquet(temporary, index=False)
        with replacing(paths["csv"]) as temporary:
            self.summary.to_csv(temporary, index=False)
        with replacing(paths["md"]) as temporary:
            temporary.write_text(self.to_markdown(), encoding="utf-8")
        return paths


def make_results(
    scores: pd.DataFrame,
    *,
    baseline: str = BASELINE,
    titles: Mapping[str, str] = TITLES,
    references: tuple[str, ...] = ("mixture", "oracle_mask"),
    figures: Figures | None = None,
) -> Results:
    """Sum up the table of scores.

    Args:
        scores: columns variant, seed, track, target, metric, window and value, as
            :func:`sepmodels.scoring.score_track` makes them, with seed and track added.
        baseline: the variant that the others are compared with.
        titles: what tables show for each system; those not among the scores are named as missing.
        references: systems that need no training.
        figures: per variant, numbers to show beside the scores (a table indexed by variant, or a mapping of
            mappings).

    Raises:
        UserError: there are no scores, or a column is missing.
    """
    lacking = {"variant", "seed", "track", "target", "metric", "window", "value"} - set(scores.columns)
    if lacking or scores.empty:
        what = f"has no column {', '.join(sorted(lacking))}" if lacking else "is empty"
        raise UserError(f"The table of scores {what}: score the variants first.")
    table = TrackTable(scores)
    rng = np.random.default_rng(SEED)
    order = [name for name in (references[:1] + tuple(titles) + table.variants) if name not in references[1:]]
    systems = [name for name in dict.fromkeys([*order, *references[1:]]) if name in table.variants]
    summary = pd.DataFrame(
        {
            "variant": name,
            "title": titles.get(name, name),
            "kind": "reference" if name in references else "trained",
            "target": target,
            **table.counts(name, target),
            **_scores_of(table, name, target, rng),
        }
        for name in systems
        for target in table.targets
    )
    changed = [name for name in systems if name not in references and name != baseline]
    comparisons = compare(table, changed, baseline, rng)
    sentences = {
        name: sentence(comparisons[comparisons.variant == name], titles.get(name, name), titles.get(baseline, baseline))
        for name in changed
    }
    missing = tuple(name for name in titles if name not in table.variants)
    return Results(_with_figures(summary, figures), comparisons, sentences, missing, SCENARIO)


def _scores_of(table: TrackTable, variant: str, target: str, rng: np.random.Generator) -> dict[str, float]:
    """The columns of every metric for one row of the summary."""
    columns = {}
    for metric in ALL_METRICS:
        values = table.values(variant, target, metric)
        tracks = per_track(values)
        known = tracks[np.isfinite(tracks)]
        low, high = median_interval([values], rng)
        columns[metric] = float(np.median(known)) if known.size else np.nan
        columns[f"{metric}_low"], columns[f"{metric}_high"] = low, high
        columns[f"{metric}_mean"] = float(known.mean()) if known.size else np.nan
    return columns


def _with_figures(summary: pd.DataFrame, figures: Figures | None) -> pd.DataFrame:
    """Add a column for every figure given per variant."""
    if figures is None:
        return summary
    extra = figures if isinstance(figures, pd.DataFrame) else pd.DataFrame.from_dict(figures, orient="index")
    return summary.join(extra, on="variant")
