"""Scores that somebody else computed: museval's files, or a table of one value for each track."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sepmodels.audio import targets_of
from sepmodels.errors import UserError
from sepmodels.results.csv_files import read_csv_file
from sepmodels.results.per_track import ALL_METRICS
from sepmodels.scoring.museval_files import read_museval_files
from sepmodels.systems.track_names import match_names

_COLUMNS = ["variant", "seed", "track", "target", "metric", "window", "value"]
_FIGURES = (*ALL_METRICS, "value", "window", "seed")
_EXPECTED = "expected the columns track, target, metric and value, or track, target and a column for each metric"


def read_given_scores(
    place: Path, name: str, tracks: Sequence[str], target: str = "vocals"
) -> tuple[pd.DataFrame, list[str]]:
    """The rows of one system in the table of scores, and sentences on how its tracks were taken for ours.

    place: a folder of museval's files, or a CSV or Parquet table, which has one value, or one for each window, for
        each track and target. tracks: the test tracks. target: what is separated here.

    Raises UserError for what is no such file, and where no track or no target is one of ours.
    """
    table = read_museval_files(place, variant=name) if place.is_dir() else _read_table(place, name)
    found, said = match_names(table.track.unique(), tracks)
    if not found:
        raise UserError(
            f"{place} has none of the {len(tracks)} test tracks, only such as {table.track.iloc[0]!r}: name its tracks "
            f"as they are named here, such as {tracks[0]!r}."
        )
    if not set(table.target) & set(targets_of(target)):
        raise UserError(
            f"{place} has no scores of {' or '.join(targets_of(target))}, only of {', '.join(sorted({*table.target}))}."
        )
    if target != "vocals" and set(table.target) - set(targets_of(target)):  # its accompaniment may be another's
        table = table[table.target == target]
    renamed = {given: track for track, given in found.items()}
    return table.assign(track=table.track.map(lambda given: renamed.get(given, given))), said


def _read_table(file: Path, name: str) -> pd.DataFrame:
    try:
        table = pd.read_parquet(file) if file.suffix == ".parquet" else read_csv_file(file, _FIGURES)
    except (OSError, ValueError) as fault:
        reason = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        raise UserError(f"{file} is no table of scores ({reason}): {_EXPECTED}.") from None
    if not {"track", "target"} <= set(table.columns):
        raise UserError(f"{file} has the columns {', '.join(map(str, table.columns))}: {_EXPECTED}.")
    named = table[["track", "target"]]
    if not (named.notna() & (named != "")).all(axis=None):
        raise UserError(f"{file} has a row without the name of a track or target: give both in each row.")
    if "metric" not in table:
        metrics = [metric for metric in ALL_METRICS if metric in table]
        if not metrics:
            raise UserError(f"{file} has no column {', '.join(ALL_METRICS)}: {_EXPECTED}.")
        table = table.melt(["track", "target"], metrics, "metric", "value")
    table = table[table.metric.isin(ALL_METRICS)]
    if table.empty or "value" not in table:
        raise UserError(f"{file} has no value of {', '.join(ALL_METRICS)}: {_EXPECTED}.")
    if not pd.api.types.is_numeric_dtype(table.value):
        raise UserError(f"{file} has a value that is no number: expected dB.")
    windows = table.window if "window" in table else 0
    table = table.assign(variant=name, seed=table.seed if "seed" in table else 0, window=windows)
    return table.astype({"track": str, "window": "Int64", "value": "float64"})[_COLUMNS].reset_index(drop=True)
