"""The same systems on several test sets, side by side: what a change brings on each, and whether it brings it on all.

Each set is summed up by itself (:func:`sepmodels.results.table.make_results`). Nothing is pooled.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from sepmodels.audio import target_of
from sepmodels.results.markdown import number, table
from sepmodels.results.results import Results
from sepmodels.results.sentences import SIGNIFICANT, margin

METRIC = "SDR"
BETTER, WORSE, NOT_SHOWN, NO_TEST = "better", "worse", "no difference shown", "no test"
COLUMNS = (
    *("dataset", "variant", "title", "place", "tracks", "SDR", "SDR_low", "SDR_high", "above_floor"),
    *("difference", "low", "high", "p_holm", "verdict"),
)
OTHER_MEASURES = "## Measures beside BSSEval"
HEADING = "## On other music"  # ends the profile's own page where there are other test sets
NEVER_POOLED = (
    "The sets are never pooled: each has a test of its own. An SDR on one set says nothing beside an SDR on another, "
    "because their mixtures differ, as the floor shows; so how far a row lies above the floor stands in brackets."
)


def side_by_side(results: Mapping[str, Results]) -> pd.DataFrame:
    """A row for each set and system: the SDR of the target in dB, and the difference to the baseline with its verdict.

    results: by the set's name, the profile's own first.

    Columns:
        dataset, variant, title, place, tracks.
        SDR, SDR_low, SDR_high: as the set's own table has them. above_floor: SDR less the floor's, the mixture as it
            is; NaN where there is none.
        difference, low, high, p_holm: of :func:`sepmodels.results.comparisons.compare`; NaN where the system is not
            compared.
        verdict: better or worse where p_holm is below 0.05; else whether there was a test; empty where the system is
            not compared.
    """
    return pd.concat([_of_one(name, one) for name, one in results.items()], ignore_index=True)


def _of_one(name: str, results: Results) -> pd.DataFrame:
    target = target_of(results.summary.target)
    summary = results.summary[results.summary.target == target]
    compared = results.comparisons
    compared = compared[(compared.target == target) & (compared.metric == METRIC)]
    rows = summary.assign(dataset=name, above_floor=summary.SDR - _floor(summary)).merge(
        compared[["variant", "difference", "low", "high", "p_holm"]], on="variant", how="left"
    )
    rows = rows.astype(dict.fromkeys(("difference", "low", "high", "p_holm"), "float64"))  # also where none is compared
    told = zip(rows.difference, rows.p_holm, strict=True)
    return rows.assign(verdict=[verdict(*one) for one in told])[list(COLUMNS)]


def _floor(summary: pd.DataFrame) -> float:
    floors = summary[summary.place == "floor"].SDR
    return float(floors.iloc[0]) if len(floors) else np.nan


def verdict(difference: float, p: float) -> str:
    """Better or worse, where a difference holds; a positive one is better. Empty where nothing was compared."""
    if np.isnan(difference):
        return ""
    if np.isnan(p):
        return NO_TEST
    if p >= SIGNIFICANT:
        return NOT_SHOWN
    return BETTER if difference > 0 else WORSE


def holds(verdicts: Mapping[str, str]) -> str:
    """Whether a change brings the same on every set, in words.

    verdicts: by set, in the order of the sets.

    >>> holds({"a": "better", "b": "better"}), holds({"a": "better", "b": "no difference shown"})
    ('better on each', 'better on a; no difference shown on b')
    >>> holds({"a": "better", "b": "worse"}), holds({"a": "", "b": ""})
    ('better on a; worse on b', '')
    """
    known = {name: verdict for name, verdict in verdicts.items() if verdict}
    if not known:
        return ""
    if len(set(known.values())) == 1 and len(known) == len(verdicts):
        same = next(iter(known.values()))
        return f"{same} on {'any' if same in (NOT_SHOWN, NO_TEST) else 'each'}"
    return "; ".join(f"{verdict} on {name}" for name, verdict in known.items())


def wide_rows(across: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each system, in the order of the first set's table: what is shown of it on every set.

    Keys: variant, title, place; sdr and against, a text for each set, in their order; holds.
    """
    sets = list(dict.fromkeys(across.dataset))
    by_key = {(row["variant"], row["dataset"]): row for row in across.to_dict("records")}
    found = []
    for row in across.drop_duplicates("variant").to_dict("records"):
        cells = [by_key.get((row["variant"], name)) for name in sets]
        verdicts = {name: cell["verdict"] if cell else "" for name, cell in zip(sets, cells, strict=True)}
        found.append(
            {
                **{name: row[name] for name in ("variant", "title", "place")},
                "sdr": [_sdr(cell) for cell in cells],
                "against": [_against(cell) for cell in cells],
                "holds": holds(verdicts),
            }
        )
    return found


def _sdr(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return "not given"
    above = cell["above_floor"]
    return number(cell["SDR"]) + ("" if np.isnan(above) or cell["place"] == "floor" else f" ({above:+.2f})")


def _against(cell: Mapping[str, Any] | None) -> str:
    if cell is None or np.isnan(cell["difference"]):
        return ""
    between = f" [{cell['low']:+.2f}, {cell['high']:+.2f}]" if margin(cell["low"], cell["high"]) else ""
    return f"{cell['difference']:+.2f}{between}"


def across_table(across: pd.DataFrame, baseline_title: str) -> str:
    """The Markdown table of all sets side by side."""
    sets = list(dict.fromkeys(across.dataset))
    heads = ["System", *(f"SDR on {name} (above the floor)" for name in sets)]
    heads += [*(f"against {baseline_title} on {name}" for name in sets), "Does it hold?"]
    rows = [
        [f"*{row['title']}*" if row["place"] != "ranked" else row["title"], *row["sdr"], *row["against"], row["holds"]]
        for row in wide_rows(across)
    ]
    return table(heads, rows)


def across_markdown(across: pd.DataFrame, baseline_title: str, pages: Mapping[str, str], target: str) -> str:
    """What follows the profile's own page: all sets side by side, then the page of each other set.

    pages: Markdown by set; what it says of other measures becomes a part of what is said of the set. target: what was
        separated.
    """
    parts = [HEADING, f"{target.capitalize()}, in dB. {NEVER_POOLED}", across_table(across, baseline_title)]
    for name, page in pages.items():
        parts += [f"## {name}", page.strip().replace(f"\n{OTHER_MEASURES}\n", f"\n#{OTHER_MEASURES}\n")]
    return "\n\n".join(parts) + "\n"


def own_part(page: str) -> str:
    """A page without what is said of other measures and of other music, which stands below the rest."""
    for heading in (OTHER_MEASURES, HEADING):
        own, mark, _ = page.partition(f"\n{heading}\n")
        if mark:
            page = own.rstrip("\n") + "\n"
    return page


def joined(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of several sets as one, whose first column ``dataset`` says of which each row is."""
    parts: Iterable[pd.DataFrame] = (one.assign(dataset=name) for name, one in tables.items())
    whole = pd.concat(list(parts), ignore_index=True)
    return whole[["dataset", *(name for name in whole.columns if name != "dataset")]]
