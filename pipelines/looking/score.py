"""``sepbench score``: the scores of two folders, printed and written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from pipelines.terminal import printable
from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.progress import Progress
from sepmodels.results.per_track import ALL_METRICS, SHOWN_METRICS, track_scores
from sepmodels.scoring import Scorer, score_folders, write_museval_files

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
    window_seconds: float,
    hop_seconds: float,
    workers: int,
) -> None:
    """Print the medians over tracks; with ``out``, write each track's values and museval's files.

    Raises UserError as :func:`~sepmodels.scoring.score_folders` does, and for a place that cannot be written to.
    """
    name = name or estimates.resolve().name
    if out is not None:
        _require_writable(out)
    with _bar(console) as progress:
        scores = score_folders(
            references,
            estimates,
            name=name,
            targets=targets,
            window_seconds=window_seconds,
            hop_seconds=hop_seconds,
            scorer=scorer,
            workers=workers,
            say=lambda sentence: console.print(printable(sentence), markup=False, highlight=False, soft_wrap=True),
            progress=progress,
        )
    by_track = track_scores(scores)
    console.print(_table(by_track, name))
    console.print(_words(by_track), highlight=False, soft_wrap=True)
    if out is not None:
        file = out / f"{name}.csv"
        with replacing(file) as temporary:
            _wide(by_track).to_csv(temporary, index=False)
        write_museval_files(scores, out, window_seconds=window_seconds, hop_seconds=hop_seconds)
        written = f"Written: {file} (a row for each track) and {out / name / 'test'} (museval's files)."
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


def _wide(by_track: pd.DataFrame) -> pd.DataFrame:
    """A row for each track and target, a column for each metric."""
    wide = by_track.pivot(index=["track", "target"], columns="metric", values="value")[list(COLUMNS)]
    windows = by_track[by_track.metric == SHOWN_METRICS[0]].set_index(["track", "target"])[["windows", "nan_windows"]]
    return wide.join(windows).reset_index()


@contextmanager
def _bar(console: Console) -> Iterator[Progress]:
    """A bar where a person looks on; it leaves nothing behind."""
    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int, unit: str, **figures: float) -> None:  # noqa: ARG001
            bar.update(task, completed=done, total=total)

        yield progress
