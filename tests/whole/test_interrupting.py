"""Stopped in whatever way and at whatever moment, the next refresh ends where an undisturbed one does."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pandas as pd
import psutil
import pytest

from assets.paths import Paths
from assets.tracking.store import open_store
from benchmarks.kills import cut_power
from sepmodels.files import hash_file
from sepmodels.machine.folder_lock import FolderLock
from tests.conftest import PROJECT, words_of
from tests.small_benchmark import OVERRIDES

pytestmark = pytest.mark.slow

PROFILE = "musdb18-7s"
TIMES = ["training minutes", "training processor minutes", "processor seconds per second of music"]
TRAINING_STEPS = "30"  # long enough to be met in the middle


class Refresh:
    """``sepbench run`` of one variant, as a terminal would start it."""

    def __init__(self, dataset: Path, data: Path) -> None:
        self.data, self.paths = data, Paths(data, PROFILE)
        data.mkdir(exist_ok=True)
        self.output = data / "output.txt"
        words = ["run", "-p", PROFILE, "--dataset", str(dataset), "--data", str(data), "--only", "open_unmix"]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from pipelines.cli import main; main()", *words],
                cwd=PROJECT,
                env={**os.environ, "SEPBENCH_OVERRIDES": json.dumps({**OVERRIDES, "training.steps": TRAINING_STEPS})},
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    def wait_for(self, step: str) -> None:
        """Until the step has begun in this run."""
        note = self.paths.begun(tuple(step.split("/")))
        before = note.read_text() if note.exists() else None
        while not note.exists() or note.read_text() == before:
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.02)

    def family(self) -> list[psutil.Process]:
        """The command, the run's process, and whatever these have started."""
        command = psutil.Process(self.process.pid)
        return [command, *command.children(recursive=True)]

    def run_process(self) -> psutil.Process:
        children = psutil.Process(self.process.pid).children()
        (found,) = [one for one in children if "pipelines.running.execute" in words_of(one)]
        return found


def ctrl_c(refresh: Refresh) -> None:
    os.killpg(refresh.process.pid, signal.SIGINT)
    assert refresh.process.wait() == 130, refresh.output.read_text()
    assert "stopped; `sepbench run` with the same options goes on from here" in refresh.output.read_text()


def kill_9_of_the_run(refresh: Refresh) -> None:
    refresh.run_process().kill()
    assert refresh.process.wait() == 128 + signal.SIGKILL
    assert "ended by SIGKILL; `sepbench run` with the same options goes on from here" in refresh.output.read_text()


def kill_9_of_the_command(refresh: Refresh) -> None:
    family = refresh.family()
    refresh.process.kill()
    refresh.process.wait()
    _, left = psutil.wait_procs(family, timeout=120)
    assert left == []


def power_cut(refresh: Refresh) -> None:
    stopped = cut_power(refresh)
    refresh.process.wait()
    psutil.wait_procs(stopped)


ENDINGS: list[tuple[Callable[[Refresh], None], str]] = [
    (power_cut, "stems/train"),
    (ctrl_c, "open_unmix/checkpoint"),
    (kill_9_of_the_run, "open_unmix/checkpoint"),
    (power_cut, "open_unmix/estimates"),
    (kill_9_of_the_command, "open_unmix/scores"),
]


@pytest.fixture(scope="module")
def undisturbed(stem_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("undisturbed")
    refresh = Refresh(stem_dataset, data)
    assert refresh.process.wait() == 0, refresh.output.read_text()
    return data


def test_a_benchmark_that_is_stopped_again_and_again_has_the_results_of_an_undisturbed_one_and_leaves_nothing_open(
    stem_dataset: Path, undisturbed: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    draw = random.Random(20)
    for stop, step in ENDINGS:
        refresh = Refresh(stem_dataset, data)
        refresh.wait_for(step)
        time.sleep(draw.uniform(0, 1.5 if step == "open_unmix/checkpoint" else 0.3))
        stop(refresh)
        assert processes_of(data) == [], f"left by {stop.__name__} in {step}"
    refresh = Refresh(stem_dataset, data)
    assert refresh.process.wait() == 0, refresh.output.read_text()
    assert results(data) == results(undisturbed)
    check_nothing_is_open(data)


def processes_of(data: Path) -> list[list[str]]:
    """The commands that still run on a data folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SEPBENCH_DATA") == str(data) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
        except psutil.Error:
            continue
    return found


def results(data: Path) -> dict[str, str]:
    """Hashes of all that the benchmark made; of the table, without the columns of times."""
    paths = Paths(data, PROFILE)
    model = paths.model("open_unmix", 42)
    files = [paths.tracks, paths.statistics, model, *(paths.root / "scores").glob("*.parquet")]
    files += paths.estimates("open_unmix", 42).rglob("*.wav")
    files += [file for split in ("train", "valid", "test") for file in paths.stems(split).iterdir()]
    hashes = {str(file.relative_to(data)): hash_file(file) for file in files}
    table = pd.read_parquet(paths.results / "results.parquet").drop(columns=TIMES)
    return {**hashes, **data_versions(data), "table": table.to_csv()}


def data_versions(data: Path) -> dict[str, str]:
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        events = {key: instance.get_latest_materialization_event(key) for key in instance.all_asset_keys()}
    tags = {key.to_user_string(): event.asset_materialization.tags for key, event in events.items() if event}
    return {key: of["dagster/data_version"] for key, of in tags.items() if not key.endswith("/report")}  # it has times


def check_nothing_is_open(data: Path) -> None:
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        assert [run.run_id for run in instance.get_runs() if not run.is_finished] == []
        pool = instance.event_log_storage.get_concurrency_info("gpu")
        assert (pool.active_slot_count, pool.pending_step_count, pool.assigned_step_count) == (0, 0, 0)
    client = open_store(data / "mlflow")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    assert {run.info.status for run in client.search_runs(experiments)} <= {"FINISHED", "KILLED", "FAILED"}
    assert [str(path) for path in data.rglob(".tmp-*")] == []
    assert list(data.rglob("states")) == []
    for place in data.rglob("*.held"):
        FolderLock(place).acquire(wait=False).release()
