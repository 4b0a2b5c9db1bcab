"""Two machines share a data folder: what one is doing the other leaves alone, until nothing is heard of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.test_utils import create_run_for_test

from assets.paths import Paths
from assets.tracking.store import open_store
from pipelines.graph.instance import use_instance
from pipelines.graph.pool import free_lost_slots
from pipelines.running.aftermath import clear_up
from sepmodels.errors import UserError
from sepmodels.machine.identity import HOST_VARIABLE
from tests.conftest import PROJECT
from tests.sepmodels.machine.test_heartbeat import make_old

STEP = "demo__transformer__checkpoint"
WORK = f"""
import sys
from pathlib import Path
import dagster as dg
from dagster._core.test_utils import create_run_for_test
from assets.paths import Paths
from assets.runtime.hosts import show_presence
from assets.tracking.store import open_store
from assets.tracking.tracker import PROCESS, RUN_ID
from pipelines.graph.instance import use_instance
from pipelines.graph.run_processes import host_tag
from pipelines.running.runner import _alone
from sepmodels.files import temporary_beside
from sepmodels.machine.identity import this_process

data = Path(sys.argv[1])
use_instance(data)
show_presence(data)
half = temporary_beside(data / "demo" / "tracks.parquet")
half.parent.mkdir(parents=True)
half.write_text("half")
client = open_store(data / "mlflow")
experiment = client.create_experiment("sepbench/demo")
with dg.DagsterInstance.get() as instance, _alone(Paths(data, "demo")):
    run = create_run_for_test(instance, job_name="benchmark", status=dg.DagsterRunStatus.STARTED)
    instance.add_run_tags(run.run_id, host_tag(run.run_id))
    tags = {{PROCESS: this_process(), RUN_ID: run.run_id}}
    tracked = client.create_run(experiment, tags=tags).info.run_id
    instance.event_log_storage.set_concurrency_slots("gpu", 1)
    instance.event_log_storage.claim_concurrency_slot("gpu", run.run_id, "{STEP}")
    print(run.run_id, tracked, half, flush=True)
    input()
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", "")
    return tmp_path / "data"


@pytest.fixture
def there(data: Path) -> Iterator[tuple[subprocess.Popen, str, str, Path]]:
    """A process of another machine that works in the folder: it, its two runs, and the file that it is writing."""
    environment = {**os.environ, HOST_VARIABLE: "another-machine"}
    command = [sys.executable, "-c", WORK, str(data)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=PROJECT, env=environment, text=True, **pipes) as process:
        assert process.stdout is not None
        run, tracked, half = process.stdout.readline().split()
        yield process, run, tracked, Path(half)
        process.kill()


def test_what_another_machine_does_goes_on_and_is_cleared_up_when_it_is_gone(
    data: Path, there: tuple[subprocess.Popen, str, str, Path]
) -> None:
    from pipelines.running.runner import require_alone

    process, run, tracked, half = there
    paths = Paths(data, "demo")
    use_instance(data)
    with dg.DagsterInstance.get() as instance:
        for killed in (False, True):  # nobody here can tell these two apart
            if killed:
                process.kill()
                process.wait()
            clear_up(paths)
            assert instance.get_run_by_id(run).status is dg.DagsterRunStatus.STARTED
            assert [holder.run_id for holder in free_lost_slots(instance)] == [run]
            assert open_store(data / "mlflow").get_run(tracked).info.status == "RUNNING"
            assert half.read_text() == "half"
            with pytest.raises(UserError, match=r"demo in .*, on the machine another-machine, or has yet to end"):
                require_alone(paths)
        begun = create_run_for_test(instance, job_name="benchmark", status=dg.DagsterRunStatus.STARTED)
        gone = EngineEventData(metadata={"pid": dg.MetadataValue.text("4194303")})
        instance.report_engine_event("Started process for run", begun, gone)
        clear_up(paths)  # it may be the other machine's, whose page began it just now
        assert not instance.get_run_by_id(begun.run_id).is_finished
        for sign in (data / "locks").rglob("*"):
            make_old(sign)
        clear_up(paths)
        assert instance.get_run_by_id(run).status is dg.DagsterRunStatus.FAILURE
        assert free_lost_slots(instance) == []
        assert open_store(data / "mlflow").get_run(tracked).info.status == "KILLED"
        assert not half.exists()
        require_alone(paths)
