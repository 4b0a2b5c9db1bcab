"""The table of results as the page shows it: every number with what it is, and rows to copy."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sepmodels.report.copies import csv_line, latex_head, latex_row
from sepmodels.report.material import Material
from sepmodels.results.before import was
from sepmodels.results.costs import HEADINGS
from sepmodels.results.crossed import FEWEST_SAMPLES
from sepmodels.results.markdown import figure, interval, marked, number, summary_table
from sepmodels.results.sentences import margin

Row: TypeAlias = Mapping[str, Any]

MEANINGS = {
    "SDR": "source-to-distortion ratio: how close the estimate comes to the true source, all errors together",
    "SIR": "source-to-interference ratio: how little of the other sources is left in the estimate",
    "SAR": "source-to-artefacts ratio: how little there is in the estimate that comes from no source",
    "ISR": "source image-to-spatial-distortion ratio: how true its spectrum and its place in the stereo image are",
    "uSDR": "SDR of the whole track at once, without windows and filters, as in the Music Demixing Challenge",
    "SI-SDR": "scale-invariant SDR of the whole track at once: a wrong loudness costs nothing",
}
# Spearman's correlation within songs with what listeners rated, interference and quality: docs/ears.md
WITH_EARS = {
    "SDR": ("0.51 [0.36, 0.64]", "-0.21 [-0.38, -0.04]"),
    "SIR": ("0.95 [0.93, 0.97]", "-0.76 [-0.88, -0.62]"),
    "SAR": ("-0.34 [-0.60, -0.06]", "0.60 [0.38, 0.77]"),
    "ISR": ("-0.06 [-0.31, 0.20]", "0.29 [0.04, 0.53]"),
    "uSDR": ("0.46 [0.32, 0.59]", "-0.16 [-0.33, 0.01]"),
    "SI-SDR": ("0.47 [0.29, 0.64]", "-0.11 [-0.33, 0.12]"),
}
COMPUTED_BY_AUTHORS = ("SIR", "SAR")  # of the test, which gives no accompaniment
FIGURES = {
    "million parameters": "Parameters of the model, in millions.",
    "training steps": "Steps of the optimiser, mean over seeds.",
    "training minutes": "Minutes that training took, beside whatever else ran then; interruptions left out, mean over "
    "seeds.",
    "trials of a sweep": "From how many trainings of a sweep its settings were chosen; 0: there was none.",
    "processor seconds per second of music": "Seconds that processors work, all threads together, to separate one "
    "second of the test tracks, on a CPU: less is faster.",
}
FIGURES |= {name: one.meaning for name, one in HEADINGS.items()}


@dataclass(frozen=True)
class Cell:
    """What a cell shows, what it means in a sentence, and by what its column is sorted (None: always last).

    low, high: its interval, in the unit of ``order``, where it has one. before: what it was in the last table, where
        that was something else.
    """

    text: str
    explanation: str
    order: float | str | None
    low: float | None = None
    high: float | None = None
    before: str = ""


@dataclass(frozen=True)
class Column:
    """A column's heading and what its numbers are."""

    name: str
    heading: str
    explanation: str


@dataclass(frozen=True)
class TableRow:
    """A system's cells, and the row as text of three formats."""

    variant: str
    place: str
    cells: tuple[Cell, ...]
    copies: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """One target's table. heads and tails: by format, what comes before and after the rows of a copy."""

    target: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    heads: Mapping[str, str]
    tails: Mapping[str, str]


def results_table(material: Material, target: str) -> Table:
    """The table of one target."""
    summary = material.summary[material.summary.target == target]
    rows = summary.to_dict("records")
    shown = [name for name in FIGURES if name in summary and summary[name].notna().any()]
    columns = tuple(_columns(material, target, shown))
    markdown = summary_table(material.summary, target).splitlines()
    csv_lines = [csv_line(summary.columns), *(csv_line(row.values()) for row in rows)]
    return Table(
        target=target,
        columns=columns,
        rows=tuple(
            TableRow(
                row["variant"],
                row["place"],
                tuple(_cells(material, row, shown)),
                {"Markdown": as_markdown, "LaTeX": latex_row(row, _compared(material, row)), "CSV": as_csv},
            )
            for row, as_markdown, as_csv in zip(rows, markdown[2:], csv_lines[1:], strict=True)
        ),
        heads={"Markdown": "\n".join(markdown[:2]), "LaTeX": latex_head(material, target), "CSV": csv_lines[0]},
        tails={"Markdown": "", "LaTeX": "\\bottomrule\n\\end{tabular}", "CSV": ""},
    )


def tables(material: Material) -> list[Table]:
    """The table of every target."""
    return [results_table(material, target) for target in material.targets if (material.summary.target == target).any()]


def scale(table: Table) -> tuple[float, float]:
    """What drawings of intervals span: the least to the greatest SDR that trained systems reach, and a margin.

    Of all systems where none was trained.
    """
    rows = [row for row in table.rows if row.place == "ranked"] or table.rows
    ends = [end for row in rows for end in (row.cells[1].low, row.cells[1].high, row.cells[1].order)]
    known = [end for end in ends if isinstance(end, float)] or [0.0]
    margin = 0.05 * (max(known) - min(known)) + 0.1
    return min(known) - margin, max(known) + margin


def _columns(material: Material, target: str, figures: list[str]) -> Iterator[Column]:
    baseline = material.titles[material.baseline]
    yield Column(
        "system", "System", "What was compared: trained systems, and references, a floor below and ceilings above."
    )
    resampled = "tracks and seeds" if len(material.profile.seeds) > 1 else "tracks"
    sdr = f"{_sentence(MEANINGS['SDR'])} With its 95 % interval over {resampled}."
    yield Column("SDR", "SDR, dB", sdr + _with_ears("SDR", target))
    yield Column(
        "difference",
        f"SDR against {baseline}",
        f"The mean over tracks of the difference to {baseline} on the same track. Its p, where there is one, is "
        "for other tracks and other trainings, corrected for the number of variants after Holm.",
    )
    for metric in ("SIR", "SAR", "ISR", "uSDR", "SI-SDR"):
        yield Column(metric, metric, f"{_sentence(MEANINGS[metric])} In dB.{_with_ears(metric, target)}")
    for name in figures:
        yield Column(name, name.capitalize(), FIGURES[name])
    yield Column("nan_windows", "NaN windows", "Windows without a score, because a source is silent in them.")


def _with_ears(metric: str, target: str) -> str:
    """What one listening test says of the metric; nothing of the accompaniment, which was not heard there."""
    if target != "vocals":
        return ""
    interference, quality = WITH_EARS[metric]
    whose = ", with values that the test's authors computed" if metric in COMPUTED_BY_AUTHORS else ""
    return (
        " In the listening test of Ward et al. 2018 (vocals of 16 songs by five systems from before 2018) its "
        f"correlation with ratings, within songs, was {interference} for freedom from interference and {quality} for "
        f"quality{whose}; in brackets 95 % intervals. More: docs/ears.md."
    )


def _cells(material: Material, row: Row, figures: list[str]) -> Iterator[Cell]:
    title = f"{row['title']} ({row['remark']})" if row["remark"] else str(row["title"])
    terms = f" It is not on equal terms with the baseline: {row['unequal']}." if row["unequal"] else ""
    yield Cell(f"{title}{marked(row)}", material.summaries.get(row["variant"], "") + terms, title)
    sdr = f"{number(row['SDR'])} {interval(row['SDR_low'], row['SDR_high'])}".strip()
    explained = _score_explained(row, "SDR") + _of_seeds(material, row)
    ends = (_known(row["SDR_low"]), _known(row["SDR_high"]))
    yield Cell(sdr, explained, _known(row["SDR"]), *ends, was(row, material.before))
    yield _difference(material, row)
    for metric in ("SIR", "SAR", "ISR", "uSDR", "SI-SDR"):
        yield Cell(number(row[metric]), _score_explained(row, metric), _known(row[metric]))
    for name in figures:
        value = row[name]
        known = _known(value)
        yield Cell(figure(value), FIGURES[name] if known is not None else f"{title} was not trained here.", known)
    windows = f"{row['nan_windows']} of {row['windows']} windows have no score, because a source is silent in them."
    yield Cell(f"{row['nan_windows']}", windows, float(row["nan_windows"]))


def _score_explained(row: Row, metric: str) -> str:
    value = row[metric]
    if math.isnan(value):
        return f"{row['title']} has no {metric}."
    what = "whole tracks" if metric in ("uSDR", "SI-SDR") else "each track's median over its one-second windows"
    seeds = f", mean over {row['seeds']} seeds" if row["seeds"] > 1 else ""
    low, high = row[f"{metric}_low"], row[f"{metric}_high"]
    between = "" if math.isnan(low) else f" 95 % interval: {low:.2f} to {high:.2f} dB."
    name = f"{row['title']}, {row['target']}, {metric}"
    return f"{name}: {value:.2f} dB, the median over {row['tracks']} tracks of {what}{seeds}.{between}"


def _of_seeds(material: Material, row: Row) -> str:
    """Where there are several: the SDR of each."""
    table = material.by_seed[(material.by_seed.variant == row["variant"]) & (material.by_seed.target == row["target"])]
    if len(table) < 2:
        return ""
    scores = ", ".join(f"{number(one.SDR)} ({one.seed})" for one in table.itertuples())
    return f" Seed by seed: {scores}."


def _difference(material: Material, row: Row) -> Cell:
    baseline = material.titles[material.baseline]
    if row["variant"] == material.baseline:
        return Cell("", "The baseline, with which the others are compared.", 0.0)
    one = _compared(material, row)
    if one is None:
        return Cell("", f"{row['title']} is not compared with {baseline}.", None)
    p = "" if math.isnan(one.p_holm) else "p < 0.001" if one.p_holm < 0.001 else f"p = {one.p_holm:.2g}"
    whose = "other trainings" if one.trained else "this system as it is"
    test = f" {_between(one)}{p}, for other tracks and {whose}." if p else f" {_untested(one)}"
    explanation = (
        f"On the same track {row['title']} scores {one.difference:+.2f} dB against {baseline} in the mean: better on "
        f"{one.wins:.0f} tracks, the same on {one.ties:.0f}, worse on {one.losses:.0f}.{test}"
    )
    return Cell(f"{one.difference:+.2f}{f', {p}' if p else ''}", explanation, float(one.difference))


def _compared(material: Material, row: Row) -> Any | None:
    """The row's comparison in SDR with the baseline, if there is one."""
    table = material.comparisons
    found = table[(table.variant == row["variant"]) & (table.target == row["target"]) & (table.metric == "SDR")]
    return None if found.empty or math.isnan(found.difference.iloc[0]) else found.iloc[0]


def _between(one: Any) -> str:
    return f"95 % interval {margin(one.low, one.high)}" if margin(one.low, one.high) else "With "


def _untested(one: Any) -> str:
    """Why a difference has no p."""
    if not one.trained and one.samples >= FEWEST_SAMPLES:
        return "With one training of the baseline there is no test: another seed may come out otherwise."
    if one.trained and min(one.seeds, one.baseline_seeds) < 2:
        return "With one training each there is no test: another seed may come out otherwise."
    return "Too few tracks for a test."


def unbroken(sentence: str) -> str:
    """The sentence with no line break between a number and its unit or sign.

    >>> unbroken("SDR +0.63 dB (p < 0.001)")
    'SDR +0.63\xa0dB (p\xa0<\xa00.001)'
    """
    return re.sub(r" (?=dB\b|[<=] )|(?<=[<=]) ", "\xa0", sentence)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _sentence(text: str) -> str:
    """A clause as a sentence.

    >>> _sentence("source-to-distortion ratio")
    'Source-to-distortion ratio.'
    """
    return f"{text[0].upper()}{text[1:]}."
