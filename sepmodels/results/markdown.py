"""Results as Markdown tables that say what their numbers are."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from sepmodels.audio import target_of
from sepmodels.results.conditions import MARK
from sepmodels.results.per_track import SHOWN_METRICS
from sepmodels.results.published import PUBLISHED_METRIC
from sepmodels.results.results import Results
from sepmodels.results.sentences import LARGEST_SHOWN_DB
from sepmodels.scoring import WHOLE_TRACK_METRICS

PLACES_SAID = {"floor": "floor", "ceiling": "ceiling", "elsewhere": "scored elsewhere"}
SHOWN = (*SHOWN_METRICS, *WHOLE_TRACK_METRICS)
NO_TEST = (
    "There is no test: it needs two or more seeds of each variant and five or more tracks. Single trainings are "
    "compared as they are, and others of the same recipes may come out otherwise."
)


def results_markdown(results: Results) -> str:
    """The whole page: a table per target, what each change did, comparisons, published figures."""
    sections = [f"{results.scenario}. In dB, with 95 % bootstrap intervals over tracks and, where several, seeds."]
    if not results.complete:
        sections.append(f"**Incomplete**: {incompleteness(results)}.")
    for target in dict.fromkeys(results.summary.target):
        sections += [f"### {target.capitalize()}", summary_table(results.summary, target)]
    if results.by_seed.seed.nunique() > 1:
        sections += [f"### Seed by seed (SDR of the {target_of(results.by_seed.target)})", seed_table(results)]
    if results.figures:
        sections += ["### Beside the scores", figure_table(results)]
    if results.sentences:
        sections += ["### What each change did", _listed(results.sentences.values())]
        sections += [comparison_table(results), comparison_note(results)]
    if results.notes:
        sections += ["### What the table can tell", _listed(results.notes)]
    if len(results.published):
        sections += [f"### Published elsewhere, not measured here ({PUBLISHED_METRIC})", published_table(results)]
    return "\n\n".join(sections) + "\n"


def _listed(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {text}" for text in sentences)


def incompleteness(results: Results) -> str:
    """Which systems are missing, and which lack tracks."""
    lacking = results.incomplete.drop_duplicates("variant")
    faults = [f"{name} is missing" for name in results.missing]
    faults += [f"{row.title} lacks {row.missing_tracks} of its tracks" for row in lacking.itertuples()]
    return ", ".join(faults)


def summary_table(summary: pd.DataFrame, target: str) -> str:
    """One target's table: a row per system, those not trained here in italics."""
    heads = ["System", *SHOWN, "SDR, mean of medians", "tracks", "seeds", "NaN windows"]
    rows = []
    for row in summary[summary.target == target].to_dict("records"):
        said = ", ".join(words for words in (PLACES_SAID.get(row["place"]), row["remark"]) if words)
        title = row["title"] if row["place"] == "ranked" else f"*{row['title']}* ({said})"
        title += marked(row)
        sdr = f"{number(row['SDR'])} {interval(row['SDR_low'], row['SDR_high'])}".strip()
        others = [number(row[metric]) for metric in SHOWN[1:]]
        counts = [str(row["tracks"]), str(row["seeds"]), f"{row['nan_windows']} of {row['windows']}"]
        rows.append([title, sdr, *others, number(row["SDR_mean"]), *counts])
    return table(heads, rows)


def marked(row: Mapping[str, Any]) -> str:
    """What follows the title of a row that is not on equal terms with the baseline; tables of before do not say."""
    return f" {MARK}" if row.get("unequal") else ""


def seed_table(results: Results) -> str:
    """The target's SDR of every seed, a row per trained system: how much of a difference may be the draw's."""
    own = results.by_seed[results.by_seed.target == target_of(results.by_seed.target)]
    scores = own.pivot(index="variant", columns="seed", values="SDR")
    trained = results.summary[results.summary.variant.isin(scores.index)].drop_duplicates("variant")
    rows = [[row.title, *map(number, scores.loc[row.variant])] for row in trained.itertuples()]
    return table(["System", *(f"seed {seed}" for seed in scores.columns)], rows)


def figure_table(results: Results) -> str:
    """The figures given per variant: a row per system that has any."""
    systems = results.summary.drop_duplicates("variant").dropna(subset=results.figures, how="all")
    rows = [
        [
            row["title"],
            *(str(row[name]) if isinstance(row[name], str) else figure(row[name]) for name in results.figures),
        ]
        for row in systems.to_dict("records")
    ]
    return table(["System", *results.figures], rows)


def comparison_table(results: Results) -> str:
    """Each variant against the baseline, on each target: difference, interval, p and tracks won/tied/lost.

    Below them the control: the baseline against itself.
    """
    titles = results.summary.drop_duplicates("variant").set_index("variant").title
    rows = []
    for (variant, target), group in results.comparisons.groupby(["variant", "target"], sort=False):
        rows.append([titles[variant], target, *_differences(group)])
    for (first, second, target), group in results.control.groupby(["first", "second", "target"], sort=False):
        rows.append([f"*Control: seeds {first} to {second}*", target, *_differences(group)])
    return table(["Variant", "target", *(f"{metric} difference" for metric in SHOWN_METRICS)], rows)


def comparison_note(results: Results) -> str:
    """What the columns of the comparisons are."""
    said = (
        f"Difference: mean over tracks of the difference to {results.baseline_title} on the same track, in dB; a "
        "track's score is the mean over seeds. Tracks won/tied/lost."
    )
    if results.comparisons.p[results.comparisons.trained.astype(bool)].isna().all():
        return f"{said} {NO_TEST}"
    return (
        f"{said} Its 95 % interval and p hold for other tracks and other seeds: Student's t over both, with "
        "Satterthwaite's degrees of freedom, p Holm-corrected over the variants. The sentences tell of a difference "
        "where p is below 0.05. A system that was not trained here is tested as it is, over tracks and the baseline's "
        "seeds; these are corrected by themselves."
    )


def published_table(results: Results) -> str:
    """Published figures with their sources."""
    rows = [
        [row.system, number(row.low_db) + (f" to {row.high_db:.2f}" if row.high_db > row.low_db else ""), row.source]
        for row in results.published.itertuples()
    ]
    return table(["System", "dB", "Source"], rows)


def _differences(rows: pd.DataFrame) -> list[str]:
    """The cells of one comparison, from its rows for each metric."""
    by_metric = rows.set_index("metric").to_dict("index")
    return [_difference(by_metric[metric]) for metric in SHOWN_METRICS]


def _difference(row: dict[str, float]) -> str:
    if math.isnan(row["difference"]):
        return "-"
    p = "" if math.isnan(row["p_holm"]) else f", p = {row['p_holm']:.2g}"
    known = row["high"] - row["low"] < 2 * LARGEST_SHOWN_DB
    between = f" {interval(row['low'], row['high'])}" if known else ""
    return f"{row['difference']:+.2f}{between}{p}, {row['wins']:.0f}/{row['ties']:.0f}/{row['losses']:.0f}"


def number(value: float) -> str:
    """A score with two decimals, a dash for NaN.

    >>> number(6.324), number(float("nan"))
    ('6.32', '-')
    """
    return "-" if math.isnan(value) else f"{value:.2f}"


def figure(value: float) -> str:
    """A figure of any size, with three digits or all before the point, a dash for NaN.

    >>> figure(8893348), figure(0.04567), figure(12.0), figure(float("nan"))
    ('8,893,348', '0.0457', '12', '-')
    """
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def interval(low: float, high: float) -> str:
    """Brackets, or nothing where there is no interval."""
    return "" if math.isnan(low) else f"[{low:.2f}, {high:.2f}]"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, numbers to the right."""
    rule = ["---"] + ["---:"] * (len(heads) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [heads, rule, *rows])
