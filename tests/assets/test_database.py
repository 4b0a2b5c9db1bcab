"""The records of Dagster and MLflow are in a PostgreSQL database where one is named."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from assets import database
from assets.paths import Paths
from assets.runtime.hosts import pool_name
from assets.tracking.run import TrackedRun
from assets.tracking.store import open_store, read_store
from assets.tracking.tracker import PROCESS
from pipelines.doctor.data_checks import check_dagster, check_mlflow
from pipelines.graph.instance import history, history_hint, use_instance
from pipelines.running.aftermath import clear_up
from sepmodels.errors import UserError
from sepmodels.machine.identity import machine_name, this_process
from tests.postgres import server


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with server() as found:
        yield found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for all: to make MLflow's tables takes many seconds."""
    return tmp_path_factory.mktemp("records") / "data"


@pytest.fixture
def data(home: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder, whose database is named."""
    monkeypatch.setenv(database.VARIABLE, address)
    monkeypatch.setenv(database.DAGSTER_VARIABLE, "")
    monkeypatch.setenv("DAGSTER_HOME", "")
    use_instance(home)
    return home


def test_runs_of_both_are_kept_there_and_closed_when_their_process_is_gone(data: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        run = create_run_for_test(instance, job_name="benchmark", status=dg.DagsterRunStatus.STARTED)
        instance.event_log_storage.set_concurrency_slots(pool_name(), 1)
        assert pool_name() == f"gpu-{machine_name()}"
        client = open_store(data / "mlflow")
        experiment = client.create_experiment("sepbench/demo", artifact_location=(data / "mlflow").as_uri())
        tags = {PROCESS: f"{this_process()}1"}  # whose process is gone
        tracked = client.create_run(experiment, tags=tags).info.run_id
        TrackedRun(client, tracked, "", folder=data / "mlflow", warn=pytest.fail).text("a file", "text")
        assert [file.path for file in client.list_artifacts(tracked)] == ["a file"]
        assert database.has_open_mlflow_runs()
        clear_up(Paths(data, "demo"))
        assert not database.has_open_mlflow_runs()
        assert not instance.get_run_by_id(run.run_id).is_finished  # it may name its process within seconds
    assert read_store(data / "mlflow").get_run(tracked).info.status == "KILLED"
    found = [check(Paths(data, "demo")).detail for check in (check_dagster, check_mlflow)]
    assert [detail.startswith("1 run in the database postgres") for detail in found] == [True, True]
    assert not list(data.rglob("*.db"))


def test_no_file_has_the_password_and_children_find_the_database(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(database.VARIABLE, os.environ[database.VARIABLE].replace("postgres@", "postgres:se%40cret@"))
    use_instance(data)
    open_store(data / "mlflow")
    assert "se%40cret" in os.environ[database.DAGSTER_VARIABLE]
    assert "cret" not in "".join(file.read_text() for file in data.rglob("*") if file.is_file())
    assert "cret" not in database.where()


def test_after_another_version_was_installed_the_tables_are_brought_up_to_date(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import create_engine, text

    engine = create_engine(database.schema_url())
    with engine.begin() as connection:
        connection.execute(text("UPDATE sepbench.facts SET value = '1.0' WHERE name <> 'data folder'"))
        connection.execute(text("ALTER TABLE sepbench_dagster.runs DROP COLUMN backfill_id"))
        before = connection.execute(text("SELECT version_num FROM sepbench_dagster.alembic_version")).scalar()
    migrated = []
    migrate = database._migrate
    monkeypatch.setattr(database, "_migrate", lambda: (migrated.append(1), migrate()))
    for _ in range(2):
        database._prepare.cache_clear()
        use_instance(data)
    assert migrated == [1]
    with engine.begin() as connection:
        facts = dict(connection.execute(text("SELECT name, value FROM sepbench.facts")).all())
        assert facts["dagster"] == dg.__version__
        assert connection.execute(text("SELECT version_num FROM sepbench_dagster.alembic_version")).scalar() == before
    engine.dispose()


def test_dagsters_own_command_is_told_where_the_history_is_and_the_pages_are_not(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert history_hint(data) is None
    monkeypatch.delenv("DAGSTER_HOME")
    assert "in the database postgres, which Dagster's own command does not know" in str(history_hint(data))


def test_to_look_into_a_folder_where_nothing_was_made_begins_no_records(data: Path, tmp_path: Path) -> None:
    with history(tmp_path / "new") as instance:
        assert instance.get_runs_count() == 0
    assert not (tmp_path / "new").exists()
    with history(data) as instance:
        assert "Postgres" in type(instance.run_storage).__name__


def test_a_database_is_of_one_data_folder_wherever_that_is_moved(data: Path, tmp_path: Path) -> None:
    moved = data.rename(tmp_path / "moved")
    use_instance(moved)
    moved.rename(data)
    with pytest.raises(UserError, match=r"has the records of another data folder than .*: name one of its own"):
        use_instance(tmp_path / "another")


def test_a_folder_whose_records_are_in_a_database_is_not_opened_without_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(database.VARIABLE)
    said = "are in a PostgreSQL database: say which by SEPBENCH_DATABASE, as before"
    with pytest.raises(UserError, match=said):
        use_instance(data)
    found = check_dagster(Paths(data, "demo"))
    assert found.status == "fail"
    assert said in found.detail
    assert "away" not in found.remedy


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql://me@host/db", "no address of a PostgreSQL database: write postgresql://USER:PASSWORD@HOST/DATABASE"),
        ("postgresql://me@host", "no address of a PostgreSQL database"),
        ("postgresql://me:cret@127.0.0.1:1/db", "The database db on 127.0.0.1 cannot be reached"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setenv(database.VARIABLE, address)
    monkeypatch.setenv(database.DAGSTER_VARIABLE, "")
    with pytest.raises(UserError) as fault:
        use_instance(tmp_path / "data")
    assert said in str(fault.value)
    assert "cret" not in str(fault.value)


def test_an_address_keeps_its_own_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(database.VARIABLE, "postgres://me@host:5433/db?sslmode=require")
    url = database.schema_url(database.MLFLOW)
    assert url == "postgresql+psycopg2://me@host:5433/db?sslmode=require&options=-csearch_path%3Dsepbench_mlflow"
    assert database.where() == "the database db on host"
