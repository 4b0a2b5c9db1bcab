"""``sepbench score``: the scores of two folders, printed and written."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from pipelines.looking.counting import counting
from pipelines.terminal import printable
from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.results.per_track import ALL_METRICS, SHOWN_METRICS, track_scores
from sepmodels.scoring import Scorer, score_folders, write_museval_files
from sepmodels.scoring.measures import measures

COLUMNS = (*SHOWN_METRICS, *(name for name in ALL_METRICS if name not in SHOWN_METRICS))


def score(
    references: Path,
    estimates: Path,
    console: Console,
    *,
    targets: Sequence[str],
    name: str,
    out: Path | None,
    scorer: Scorer,
    asked: Sequence[str],
    pitch: Path | None,
    window_seconds: float,
    hop_seconds: float,
    workers: int,
) -> None:
    """Print the medians over tracks; with ``out``, write each track's values and museval's files.

    asked: names of measures beside BSSEval. pitch: the folder of pitch labels.

    Raises UserError as :func:`~sepmodels.scoring.score_folders` does, and for a place that cannot be written to.
    """
    name = name or estimates.resolve().name
    if out is not None:
        _require_writable(out)
    with counting(console, "scoring") as progress:
        scores = score_folders(
            references,
            estimates,
            name=name,
            targets=targets,
            window_seconds=window_seconds,
            hop_seconds=hop_seconds,
            scorer=scorer,
            measures=asked,
            pitch=pitch,
            workers=workers,
            say=lambda sentence: console.print(printable(sentence), markup=False, highlight=False, soft_wrap=True),
            progress=progress,
        )
    by_track = track_scores(scores)
    console.print(_table(by_track, name))
    console.print(_words(by_track), highlight=False, soft_wrap=True)
    if chosen := [name for name in by_track.metric.unique() if name not in COLUMNS]:
        console.print(_table_of_measures(by_track, chosen))
    if out is not None:
        file = out / f"{name}.csv"
        with replacing(file) as temporary:
            _wide(by_track, [*COLUMNS, *chosen]).to_csv(temporary, index=False)
        with replacing(file.with_suffix(".json")) as temporary:
            temporary.write_text(_json(by_track, [*COLUMNS, *chosen]), encoding="utf-8")
        write_museval_files(scores, out, window_seconds=window_seconds, hop_seconds=hop_seconds)
        written = f"Written: {file} and .json (a row for each track) and {out / name / 'test'} (museval's files)."
        console.print(printable(written), markup=False, highlight=False, soft_wrap=True)


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise UserError(f"{folder} cannot be written to ({fault.strerror}): name another folder by --out.") from None


def _table(by_track: pd.DataFrame, name: str) -> Table:
    medians = by_track.groupby(["target", "metric"], sort=False).value.median()
    listing = Table(title=printable(f"{name}, in dB"), title_justify="left", box=None, pad_edge=False)
    listing.add_column("target")
    for metric in COLUMNS:
        listing.add_column(metric, justify="right")
    for target in by_track.target.unique():
        listing.add_row(str(target), *(f"{medians[target, metric]:.2f}" for metric in COLUMNS))
    return listing


def _words(by_track: pd.DataFrame) -> str:
    tracks = by_track.track.nunique()
    rows = by_track[by_track.metric == SHOWN_METRICS[0]]
    silent = int(rows.nan_windows.sum())
    words = (
        f"The median over {tracks} track{'s' * (tracks > 1)} of the median over windows (uSDR, SI-SDR: whole tracks)."
    )
    if silent:
        words += f" {silent} of {int(rows.windows.sum())} windows have no score: a source is silent there."
    return words


def _table_of_measures(by_track: pd.DataFrame, chosen: Sequence[str]) -> Table:
    """A row for each measure: beside BSSEval's columns they would not fit a screen."""
    medians = by_track.groupby(["target", "metric"], sort=False).value.median()
    targets = by_track.target.unique()
    listing = Table(title="The median over tracks", title_justify="left", box=None, pad_edge=False)
    for head in ("measure", "unit", "better"):
        listing.add_column(head)
    for head in (*targets, "no value"):
        listing.add_column(str(head), justify="right")
    for name in chosen:
        known = measures()[name]
        lacking = int(by_track[by_track.metric == name].value.isna().sum())
        values = (medians.get((target, name), math.nan) for target in targets)
        figures = ("" if math.isnan(value) else f"{value:.2f}" for value in values)
        better = "higher" if known.higher_is_better else "lower"
        listing.add_row(name, known.unit, better, *figures, str(lacking) if lacking else "")
    return listing


def _json(by_track: pd.DataFrame, columns: Sequence[str]) -> str:
    """The same rows as the CSV file has, with what each measure is; null where there is no value."""
    described = {
        name: {"unit": one.unit, "higher_is_better": one.higher_is_better, "says": one.says, "source": one.source}
        for name, one in measures().items()
        if name in columns
    }
    rows = json.loads(_wide(by_track, columns).to_json(orient="records"))
    return json.dumps({"measures": described, "tracks": rows}, indent=1, ensure_ascii=False)


def _wide(by_track: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """A row for each track and target, a column for each metric."""
    wide = by_track.pivot(index=["track", "target"], columns="metric", values="value")[list(columns)]
    windows = by_track[by_track.metric == SHOWN_METRICS[0]].set_index(["track", "target"])[["windows", "nan_windows"]]
    return wide.join(windows).reset_index()
