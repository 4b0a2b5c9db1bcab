"""What the table said before: kept beside it, to show what a change of the code or the settings did."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sepmodels.files import replacing

TABLE, BEFORE = "results.parquet", "before.parquet"
_COLUMNS = ["variant", "target", "SDR"]
LEAST_DB = 0.005  # what two decimals show


def keep_before(folder: Path, summary: pd.DataFrame) -> None:
    """Keep the SDRs of the table in ``folder``, if a new one is about to take its place that says otherwise."""
    file = folder / TABLE
    if not file.exists():
        return
    last = pd.read_parquet(file)[_COLUMNS]
    keys = ["variant", "target"]
    first, second = (one.set_index(keys).SDR for one in (last, summary))
    same = (
        set(first.index) == set(second.index)
        and np.isclose(first, second.reindex(first.index), rtol=0, atol=LEAST_DB, equal_nan=True).all()
    )
    if not same:
        with replacing(folder / BEFORE) as temporary:
            last.to_parquet(temporary, index=False)


def sdr_before(folder: Path) -> dict[tuple[str, str], float]:
    """SDR by system and target of the last table that was another one; empty where there was none."""
    file = folder / BEFORE
    if not file.exists():
        return {}
    return {(row.variant, row.target): float(row.SDR) for row in pd.read_parquet(file).itertuples()}


def was(row: Mapping[str, Any], before: Mapping[tuple[str, str], float]) -> str:
    """The row's SDR in the table before, with two decimals; empty where it was the same or is not known."""
    known = before.get((row["variant"], row["target"]))
    if known is None or not abs(known - row["SDR"]) >= LEAST_DB:
        return ""
    return f"{known:.2f}"
