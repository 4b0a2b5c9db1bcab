"""What the table said before: kept beside it, to show what a change of the code or the settings did."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sepmodels.files import hash_texts, replacing

TABLE, TERMS, BEFORE = "results.parquet", "terms.parquet", "before.parquet"
LEAST_DB = 0.005  # what two decimals show
EXPLAINED = "Was: the SDR in the table before this one, where that had the same seeds, test tracks and budget."
_COLUMNS = ["variant", "target", "SDR"]


def terms_of(scores: pd.DataFrame, budget: str) -> pd.DataFrame:
    """On which terms each system is in the table: columns variant, seeds, tracks (a hash of their names) and budget.

    scores: columns variant, seed and track.
    """
    rows = [
        (name, ", ".join(map(str, sorted(one.seed.unique()))), hash_texts(sorted(one.track.unique())), budget)
        for name, one in scores.groupby("variant")
    ]
    return pd.DataFrame(rows, columns=["variant", "seeds", "tracks", "budget"])


def keep_before(folder: Path, summary: pd.DataFrame, terms: pd.DataFrame) -> None:
    """Keep the SDRs of the table in ``folder``, if a new one is about to take its place that says otherwise.

    terms: of the new one, by :func:`terms_of`; they are kept, too.
    """
    if (folder / TABLE).exists():
        last = pd.read_parquet(folder / TABLE)[_COLUMNS]
        if not _same(last, summary):
            if (folder / TERMS).exists():
                last = last.merge(pd.read_parquet(folder / TERMS), on="variant", how="left")
            _write(last, folder / BEFORE)
    _write(terms, folder / TERMS)


def _same(last: pd.DataFrame, summary: pd.DataFrame) -> bool:
    first, second = (one.set_index(["variant", "target"]).SDR for one in (last, summary))
    return set(first.index) == set(second.index) and bool(
        np.isclose(first, second.reindex(first.index), rtol=0, atol=LEAST_DB, equal_nan=True).all()
    )


def _write(table: pd.DataFrame, file: Path) -> None:
    with replacing(file) as temporary:
        table.to_parquet(temporary, index=False)


def sdr_before(folder: Path) -> dict[tuple[str, str], float]:
    """SDR by system and target of the last table that was another one, of rows that are there on the same terms now.

    Empty where there was none, or its terms are not known.
    """
    if not (folder / BEFORE).exists() or not (folder / TERMS).exists():
        return {}
    before, terms = pd.read_parquet(folder / BEFORE), pd.read_parquet(folder / TERMS)
    if not set(terms) <= set(before):
        return {}
    same = before.merge(terms, on=list(terms))
    return {(row.variant, row.target): float(row.SDR) for row in same.itertuples()}


def was(row: Mapping[str, Any], before: Mapping[tuple[str, str], float]) -> str:
    """The row's SDR in the table before, with two decimals; empty where it was the same or is not known."""
    known = before.get((row["variant"], row["target"]))
    if known is None or not abs(known - row["SDR"]) >= LEAST_DB:
        return ""
    return f"{known:.2f}"
