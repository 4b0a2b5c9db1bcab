"""The file of MLflow's store is whole at any moment, whatever stops the process that makes or upgrades it."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from assets.tracking.schema import keep_up_to_date
from assets.tracking.store import open_store, store_uri
from sepmodels.errors import UserError
from sepmodels.files import hash_file

# Stopped by SIGTERM in the last of MLflow's steps, between two tables.
STOPPED = """
import os, sys
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
from assets.tracking.store import open_store

@event.listens_for(Engine, "after_cursor_execute")
def stop(connection, cursor, statement, *rest):
    if "CREATE TABLE scheduler_leases" in statement:
        os.kill(os.getpid(), 15)

open_store(Path(sys.argv[1]))
"""


def stop_while_it_is_opened(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", STOPPED, str(folder)], cwd=Path(__file__).parents[3])
    assert done.returncode == -15


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".held"))


def revision(file: Path) -> str:
    with closing(sqlite3.connect(file)) as store:
        return store.execute("SELECT version_num FROM alembic_version").fetchone()[0]


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as an older MLflow left it, with a run."""
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config

    folder = tmp_path_factory.mktemp("older")
    open_store(folder).create_run("0", run_name="before")
    command.downgrade(_get_alembic_config(store_uri(folder)), "-1")
    return folder


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store that was stopped while it was made."""
    folder = tmp_path_factory.mktemp("stopped")
    stop_while_it_is_opened(folder)
    return folder


@pytest.fixture
def store(older: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(older, tmp_path / "store", ignore=shutil.ignore_patterns(".held*")))


def test_a_store_that_is_stopped_while_it_is_made_is_made_by_the_next_process(stopped: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(stopped, tmp_path / "store"))
    assert "mlflow.db" not in names_in(folder)
    (folder / "mlflow.db-journal").write_bytes(b"of a store that was removed")
    client = open_store(folder)
    assert client.get_run(client.create_run("0").info.run_id).info.status == "RUNNING"
    assert not (folder / "mlflow.db-journal").exists()


def test_a_store_that_was_left_half_made_is_made_anew(stopped: Path, tmp_path: Path) -> None:
    (half,) = stopped.glob(".tmp-*-mlflow.db")
    shutil.copyfile(half, tmp_path / "mlflow.db")
    assert open_store(tmp_path).search_experiments()[0].name == "Default"


def test_a_store_of_an_older_mlflow_is_upgraded_with_its_runs_and_that_is_said(
    store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = revision(store / "mlflow.db")
    with closing(sqlite3.connect(store / "mlflow.db")) as opened:  # such as by a server
        opened.execute("PRAGMA journal_mode = WAL")
        opened.execute("UPDATE runs SET name = 'in the journal'")
        opened.commit()
        client = open_store(store)
        assert opened.execute("SELECT version_num FROM alembic_version").fetchone()[0] != before
    assert [run.info.run_name for run in client.search_runs(["0"])] == ["in the journal"]
    assert "was made by an older MLflow: it is upgraded for MLflow" in caplog.text
    assert not list(store.glob(".tmp-*"))
    caplog.clear()
    open_store(store)
    assert not caplog.text


def test_an_upgrade_that_is_stopped_leaves_the_store_as_it_was(store: Path) -> None:
    before = hash_file(store / "mlflow.db")
    stop_while_it_is_opened(store)
    assert hash_file(store / "mlflow.db") == before
    assert [run.info.run_name for run in open_store(store).search_runs(["0"])] == ["before"]


def test_a_store_that_this_mlflow_cannot_upgrade_stays_as_it_was_and_is_named(store: Path) -> None:
    with closing(sqlite3.connect(store / "mlflow.db")) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = 'of_a_newer_one'")
    before = hash_file(store / "mlflow.db")
    with pytest.raises(UserError, match=r"mlflow\.db was made by another version .* it stays as it was\. Install"):
        keep_up_to_date(store / "mlflow.db")
    assert hash_file(store / "mlflow.db") == before
    assert names_in(store) == ["mlflow.db"]
