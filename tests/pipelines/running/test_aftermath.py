"""What a killed process left open is closed by the next start of anything, and what goes on is let be."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from assets.paths import Paths
from assets.tracking.store import open_store
from pipelines.graph.instance import use_instance
from pipelines.running.aftermath import clear_up
from sepmodels.errors import UserError
from sepmodels.files import replacing

# A run of one step, in the pool and with an MLflow run, which goes on until it is killed.
GOING_ON = """
import sys, time
from pathlib import Path
import dagster as dg
from assets.tracking.tracker import Tracker
from sepmodels.files import replacing

@dg.asset(key=["demo", "open_unmix", "checkpoint"], pool="gpu")
def checkpoint(context: dg.AssetExecutionContext, tracker: Tracker):
    with tracker.run(context), replacing(Path(sys.argv[1]) / "demo" / "model.safetensors") as temporary:
        temporary.write_text("half")
        print("going on", flush=True)
        time.sleep(3600)

with dg.DagsterInstance.get() as instance:
    tracker = Tracker(folder=f"{sys.argv[1]}/mlflow")
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    dg.materialize([checkpoint], instance=instance, resources={"tracker": tracker}, run_config=quiet)
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = tmp_path / """it's: my "data" #1"""
    monkeypatch.setenv("DAGSTER_HOME", str(use_instance(data)))
    return data


def test_a_data_folder_that_the_stores_cannot_be_in_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"50%\?/data has % and \? in its path, .* name another one"):
        use_instance(tmp_path / "50%?" / "data")


@pytest.fixture
def going_on(data: Path) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen([sys.executable, "-c", GOING_ON, str(data)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "going on\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def state(data: Path) -> dict[str, object]:
    """The statuses of all runs of both, the pool's slots in use, and the files half written."""
    client = open_store(data / "mlflow")
    (experiment,) = (one for one in client.search_experiments() if one.name == "sepbench/demo")
    with dg.DagsterInstance.get() as instance:
        return {
            "dagster": [run.status.value for run in instance.get_runs()],
            "slots": instance.event_log_storage.get_concurrency_info("gpu").active_slot_count,
            "mlflow": [run.info.status for run in client.search_runs([experiment.experiment_id])],
            "half written": len(list(data.rglob(".tmp-*"))),
        }


@pytest.mark.slow
def test_a_run_that_goes_on_is_let_be_and_after_kill_9_it_is_closed_with_all_that_it_held(
    data: Path, going_on: subprocess.Popen
) -> None:
    before = {"dagster": ["STARTED"], "slots": 1, "mlflow": ["RUNNING"], "half written": 1}
    clear_up(Paths(data, "demo"))
    assert state(data) == before
    going_on.kill()
    going_on.wait()
    assert state(data) == before
    clear_up(Paths(data, "demo"))
    assert state(data) == {"dagster": ["FAILURE"], "slots": 0, "mlflow": ["KILLED"], "half written": 0}


@pytest.mark.parametrize("status", ["STARTED", "STARTING", "NOT_STARTED"])
def test_a_run_killed_before_it_could_say_which_process_it_is_in_is_closed_after_a_while(
    data: Path, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    with dg.DagsterInstance.get() as instance:
        run = create_run_for_test(instance, job_name="benchmark", status=dg.DagsterRunStatus(status))
        clear_up(Paths(data, "demo"))
        assert not instance.get_run_by_id(run.run_id).is_finished
        later = time.time() + 240
        monkeypatch.setattr("pipelines.graph.pool.time.time", lambda: later)
        clear_up(Paths(data, "demo"))
        assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE


def test_a_folder_that_a_killed_process_was_making_is_removed(data: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    half = data / "demo" / f".tmp-{process.pid}-dataset"
    (half / "train").mkdir(parents=True)
    clear_up(Paths(data, "demo"))
    assert not half.exists()


def test_a_file_that_a_living_process_is_writing_is_let_be(data: Path) -> None:
    with replacing(data / "demo" / "tracks.parquet") as temporary:
        temporary.write_text("half")
        clear_up(Paths(data, "demo"))
        assert temporary.exists()
