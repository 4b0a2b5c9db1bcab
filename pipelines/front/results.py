"""The table of results for the front page."""

import functools
import json
import math
from pathlib import Path
from typing import Any

from assets.paths import Paths
from sepmodels.audio import target_of

MEASURES = ("SDR", "SDR_low", "SDR_high", "SIR", "SAR", "ISR")


def results_table(paths: Paths) -> dict[str, Any] | None:
    """The rows of the target with title, place and dB, and the sentences under them; None where there are none yet."""
    try:
        stamps = tuple((paths.results / name).stat().st_mtime_ns for name in ("results.parquet", "said.json"))
        return _read(paths.results, stamps)
    except FileNotFoundError:
        return None


@functools.lru_cache(maxsize=1)
def _read(folder: Path, stamps: tuple[int, ...]) -> dict[str, Any]:  # noqa: ARG001 (they tell versions apart)
    import pandas as pd

    table = pd.read_parquet(folder / "results.parquet")
    said = json.loads((folder / "said.json").read_text(encoding="utf-8"))
    target = target_of(table.target)
    rows = [
        {"title": row["title"], "place": row["place"], **{name: _number(row[name]) for name in MEASURES}}
        for row in table[table.target == target].to_dict("records")
    ]
    sentences = [*said["sentences"].values(), *said.get("notes", [])]
    return {"rows": rows, "target": target, "scenario": said["scenario"], "said": sentences}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
