"""Scores in museval's own JSON files, out and in: ``<method>/test/<track>.json``.

What is written loads with museval's ``EvalStore`` and ``MethodStore``; what others have published in that format
becomes rows of the table of scores. The format has five decimals, and NaN where a score is infinite.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.scoring.track import METRICS

SUBSET = "test"


def write_museval_files(
    scores: pd.DataFrame, folder: Path, *, window_seconds: float = 1.0, hop_seconds: float = 1.0
) -> list[Path]:
    """Write a file per variant, seed and track; returns their paths.

    A variant with one seed is the method ``<variant>``, one with several is ``<variant>_seed_<seed>``. Whole-track
    metrics have no place in the format and are left out.

    Args:
        scores: columns variant, seed, track, target, metric, window and value.
        folder: what the folders of methods go into.
    """
    from museval.aggregate import TrackStore

    windows = scores[scores.window.notna()]
    seeds = windows.groupby("variant").seed.nunique()
    paths = []
    for (variant, seed, track), rows in windows.groupby(["variant", "seed", "track"], sort=False):
        store = TrackStore(track_name=track, win=window_seconds, hop=hop_seconds)
        for target, values in rows.groupby("target", sort=False):
            by_metric = values.sort_values("window").groupby("metric").value.apply(list)
            store.add_target(target, {metric: by_metric[metric] for metric in METRICS})
        method = variant if seeds[variant] == 1 else f"{variant}_seed_{seed}"
        path = folder / method / SUBSET / f"{track}.json"
        with replacing(path) as temporary:
            store.save(temporary)
        paths.append(path)
    return paths


def read_museval_files(folder: Path, *, variant: str | None = None, seed: int = 0) -> pd.DataFrame:
    """Read a method's folder of museval files, those below ``test`` as museval does, or else all of them.

    Args:
        variant: the method's name in the table; the folder's name by default.

    Returns:
        Rows of the table of scores (variant, seed, track, target, metric, window and value), a track for each
        file, named as the file is.

    Raises:
        UserError: there is no file; two are of one track; or some are damaged or in another format, which are all
            named.
    """
    paths = sorted(folder.glob(f"{SUBSET}/**/*.json")) or sorted(folder.glob("**/*.json"))
    if not paths:
        raise UserError(f"{folder} has no museval files: expected {SUBSET}/<track>.json in it.")
    _require_one_for_each(paths)
    rows: list[dict[str, Any]] = []
    faults = []
    for path in paths:
        try:
            found = _read_rows(path)
        except (ValueError, KeyError, TypeError) as fault:
            faults.append(f"{path} ({type(fault).__name__}: {fault})")
        else:
            rows += found
    if faults:
        raise UserError(f"These are not whole museval files, get them again: {'; '.join(faults)}.")
    table = pd.DataFrame(rows).assign(variant=variant or folder.name, seed=seed)
    table = table.astype({"window": "Int64", "value": "float64"})
    return table[["variant", "seed", "track", "target", "metric", "window", "value"]]


def _require_one_for_each(paths: Iterable[Path]) -> None:
    """Raise UserError for two files of one track, whose scores would count as more windows of it."""
    found: dict[str, Path] = {}
    for path in paths:
        if (other := found.setdefault(path.stem, path)) != path:
            raise UserError(f"There are two files of {path.stem!r}, {other} and {path}: leave one of them there.")


def _read_rows(path: Path) -> list[dict[str, Any]]:
    """A file's rows; ValueError, KeyError or TypeError if it is in another format."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return [
        {"track": path.stem, "target": target["name"], "metric": metric, "window": window}
        | {"value": float(frame["metrics"][metric])}
        for target in content["targets"]
        for window, frame in enumerate(target["frames"])
        for metric in METRICS
    ]
