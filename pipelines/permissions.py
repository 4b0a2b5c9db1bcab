"""Whether the data folder may be written to, asked before anything is; another person's may only be read."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from assets.paths import Paths
from sepmodels.errors import UserError


def require_writable(paths: Paths) -> None:
    """Raise :class:`UserError` for the first place that a run writes to and this user may not."""
    for place in _written(paths):
        if not _may_write(place):
            raise UserError(
                f"{place} cannot be written to{_whose(place)}: name a data folder of your own with --data, or get "
                "permission for it. `sepbench stale` and `sepbench table` only read."
            )


def may_write_history(data: Path) -> bool:
    """Whether Dagster's history is there and can be opened for writing, as Dagster always does."""
    home = data / "dagster"
    return home.is_dir() and all(map(_may_write, _below(home)))


def _written(paths: Paths) -> Iterator[Path]:
    """What is there of the places that a run writes to, the outer ones first."""
    yield next(folder for folder in (paths.data, *paths.data.parents) if folder.exists())
    for folder in (paths.root, *(paths.data / name for name in ("logs", "locks", "dagster", "mlflow"))):
        yield from _below(folder)
    yield from (path for path in (paths.root / "begun").glob("*"))


def _below(folder: Path) -> Iterator[Path]:
    """The folder, what is in it, and the databases further down; nothing where it is not there."""
    if folder.exists():
        yield folder
        with suppress(PermissionError):
            yield from folder.iterdir()
            yield from (folder / "history").rglob("*.db*")


def _may_write(place: Path) -> bool:
    wanted = os.R_OK | os.W_OK | (os.X_OK if place.is_dir() else 0)
    return os.access(place, wanted) or not place.exists()  # a lock that was let go of meanwhile


def _whose(place: Path) -> str:
    with suppress(OSError, KeyError):
        if place.stat().st_uid != os.geteuid():
            return f" (it belongs to {place.owner()})"
    return ""
