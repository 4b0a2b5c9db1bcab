"""The file of MLflow's store: made, and brought to what the installed MLflow wants.

MLflow makes tables in steps that are not one transaction, and cannot go on where one was broken off. So a file
gets them beside its place.
"""

import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from assets.database import migrate_mlflow
from assets.runtime.events import tell
from sepmodels.errors import UserError
from sepmodels.files import replacing, temporary_beside

WAIT_SECONDS = 60.0  # for another process that writes


def keep_up_to_date(file: Path) -> None:
    """Make the store ``file`` of SQLite where there is none, and upgrade one of an older MLflow; one process at a time.

    It is the old store or the whole new one at any moment, also where the process is killed. A store in which nothing
    was ever recorded, such as one that was broken off while it was made, is made anew. Raises UserError when MLflow
    cannot upgrade it: then it stays as it was.
    """
    from mlflow.store.db.utils import _get_latest_schema_revision

    if _is_empty(file):
        _make(file)
    elif _revision(file) != _get_latest_schema_revision():
        _upgrade(file)


def _is_empty(file: Path) -> bool:
    return not file.exists() or _first_value(file, "SELECT 1 FROM experiments LIMIT 1") is None


def _revision(file: Path) -> object:
    return _first_value(file, "SELECT version_num FROM alembic_version")


def _first_value(file: Path, query: str) -> object:
    with _connection(file) as store:
        try:
            return next(iter(store.execute(query).fetchone() or ()), None)
        except sqlite3.OperationalError as fault:
            if "no such table" not in str(fault):
                raise
            return None


def _make(file: Path) -> None:
    with replacing(file) as new:
        migrate_mlflow(_url(new))
        for end in ("-journal", "-wal", "-shm"):  # of a file that is gone; SQLite would play them back into this one
            file.with_name(file.name + end).unlink(missing_ok=True)


def _upgrade(file: Path) -> None:
    """Upgrade a copy, which then replaces the content of the store in one transaction.

    Whoever has the store open goes on with it, and waits meanwhile.
    """
    installed = version("mlflow")
    copy = temporary_beside(file)
    try:
        with _connection(file) as store, _connection(copy) as upgraded:
            store.execute("BEGIN IMMEDIATE")  # nobody writes what the copy would not have
            with _connection(file) as reader:  # SQLite copies nothing from a connection that may write
                reader.backup(upgraded)
            migrate_mlflow(_url(copy))
            store.execute("ROLLBACK")
            upgraded.backup(store, progress=_wait_until(time.monotonic() + WAIT_SECONDS))
    except Exception as error:  # MLflow's, alembic's, SQLAlchemy's and SQLite's own
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(
            f"The MLflow store {file} was made by another version of MLflow, and MLflow {installed} cannot upgrade it "
            f"({reason}): it stays as it was. Install the MLflow that made it, or move {file.parent} away."
        ) from error
    finally:
        copy.unlink(missing_ok=True)
    sentence = f"The MLflow store {file} was made by an older MLflow: it is upgraded for MLflow {installed}."
    logging.getLogger(__name__).warning(sentence)
    tell(sentence)


def _wait_until(end: float) -> Callable[[int, int, int], None]:
    """What ends a copy for which SQLite would wait without end, as another process writes."""

    def look(_status: int, remaining: int, _pages: int) -> None:
        if remaining and time.monotonic() > end:
            raise TimeoutError("another process writes to it")

    return look


def _connection(file: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(file, timeout=WAIT_SECONDS, isolation_level=None))


def _url(file: Path) -> str:
    return f"sqlite:///{file.resolve()}"
