"""The MLflow store of a data folder: where it is, and how it is opened."""

import atexit
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from assets import database
from assets.tracking.moving import follow_move
from assets.tracking.schema import keep_up_to_date
from sepmodels.errors import UserError
from sepmodels.machine.folder_lock import FolderLock

# Read by MLflow as it is imported.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


def store_uri(folder: Path) -> str:
    """The address of the MLflow store in ``folder``, for ``mlflow.set_tracking_uri`` and the like.

    Where a database is named (:mod:`assets.database`), the store is there, and its files alone lie in ``folder``.
    """
    if database.is_used():
        return database.schema_url(database.MLFLOW)
    return f"sqlite:///{(folder / 'mlflow.db').resolve()}"


def open_store(folder: Path):
    """An ``MlflowClient`` of the store in ``folder``, which is made if it is not there, and upgraded if it is older.

    That runs MLflow's migrations (seconds), which two processes must not do at once: hence the lock. Raises
    :class:`UserError` when the store is damaged, where MLflow itself would try again and again for minutes, or when
    it cannot be upgraded.
    """
    os.environ |= QUIET
    from mlflow import MlflowClient

    if database.is_used():  # which has a lock of its own
        database.use_database(folder.parent)
        with suppress(PermissionError):  # whoever only reads needs no place for files
            folder.mkdir(parents=True, exist_ok=True)
        return MlflowClient(store_uri(folder), registry_uri=store_uri(folder))
    folder.mkdir(parents=True, exist_ok=True)
    with FolderLock(folder / ".held").acquire():
        _require_sound(folder / "mlflow.db")
        keep_up_to_date(folder / "mlflow.db")
        follow_move(folder)
        client = MlflowClient(store_uri(folder), registry_uri=store_uri(folder))
        client.search_experiments(max_results=1)
    return client


def read_store(folder: Path):
    """An ``MlflowClient`` to look things up in the store in ``folder``; where it may not be written to, of a copy.

    MLflow opens a store for writing only.
    """
    file = folder / "mlflow.db"
    if database.is_used() or not file.exists() or all(os.access(place, os.W_OK) for place in (folder, file)):
        return open_store(folder)
    copy = Path(tempfile.mkdtemp(prefix="sepbench-store-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    try:
        for file in folder.glob("mlflow.db*"):
            shutil.copyfile(file, copy / file.name)
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}): get permission for it.") from None
    return open_store(copy)


def _require_sound(file: Path) -> None:
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(file, timeout=60)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        raise UserError(
            f"The MLflow store {file} cannot be read ({error}): move {file.parent} away to start a new one."
        ) from error
