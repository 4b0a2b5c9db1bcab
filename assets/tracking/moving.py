"""An MLflow store that was moved, renamed or copied keeps its files beside it.

MLflow writes down whole paths. Followed to the old place, a copy would write into its original.
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import unquote, urlparse

PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)


def artifact_uri(folder: Path) -> str:
    """Where the runs of the MLflow store in ``folder`` put their files."""
    return (folder / "artifacts").resolve().as_uri()


def follow_move(folder: Path) -> None:
    """Let the store in ``folder`` name the files that lie beside it, wherever they lay when it was written.

    Takes a millisecond where nothing was moved. A store that cannot be written to stays as it is.
    """
    database = folder / "mlflow.db"
    if not database.exists():
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(database, timeout=60)) as store, store:
        here = artifact_uri(folder)
        asked = "SELECT DISTINCT artifact_location FROM experiments WHERE name LIKE 'sepbench/%'"
        for (before,) in store.execute(asked).fetchall():
            if before and before != here:
                _rename(store, before, here)


def _rename(store: sqlite3.Connection, before: str, here: str) -> None:
    size = len(before)
    for table, column in PLACES:
        is_there = f"{column} = ? OR substr({column}, 1, ?) = ?"
        with suppress(sqlite3.OperationalError):  # a table that other versions of MLflow have
            store.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {is_there}",
                (here, size + 1, before, size + 1, f"{before}/"),
            )


def kept_file(folder: Path, uri: str) -> Path:
    """The file or folder that a store in ``folder`` names by ``uri``: beside the store, where it is there."""
    named = Path(unquote(urlparse(uri).path))
    parts = named.parts
    ends = [parts[place + 1 :] for place, name in enumerate(parts) if name == "artifacts"]
    return next((path for end in ends if (path := folder.joinpath("artifacts", *end)).exists()), named)
