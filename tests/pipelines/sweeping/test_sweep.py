"""Whole sweeps by the command: real trainings on short tracks, real Optuna, MLflow."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from assets.tracking.seeds import PARENT
from assets.tracking.store import open_store
from assets.tracking.sweeps import ENDED, TRIAL
from pipelines.sweeping.ranges import read_ranges
from pipelines.sweeping.study import opened
from sepmodels.models.architectures import build_model
from sepmodels.systems.variants import VARIANTS, Variant
from tests.conftest import PROJECT
from tests.small_benchmark import OVERRIDES

pytestmark = pytest.mark.slow

PROFILE = "musdb18-7s"
NOISE = 1.0  # a learning rate that makes a model of noise
RATES = f"learning_rate=1e-4,3e-4,1e-3,2e-3,{NOISE}"  # the entry's own comes first, then as they stand
TRIALS = 5
OPTIONS = [
    *("open_unmix", "--profile", PROFILE, "--steps", "8", "--trials", "9", "--range", RATES),
    *(word for name, value in OVERRIDES.items() for word in ("--set", f"{name}={value}")),
]


def command(data: Path, dataset: Path, *, jobs: int) -> list[str]:
    start = [sys.executable, "-c", "from pipelines.cli import main; main()", "sweep", *OPTIONS]
    return [*start, "--data", str(data), "--dataset", str(dataset), "--jobs", str(jobs)]


def stopped(data: Path, dataset: Path, output: Path, after: int, number: int) -> int:
    """Send a signal to the command once so many trials have ended; gives its exit status when all its processes have.

    number: the signal's.
    """
    with output.open("w") as told:
        child = subprocess.Popen(command(data, dataset, jobs=1), cwd=PROJECT, stdout=told, stderr=told)
    wait_until(lambda: f"{after}/{TRIALS}" in output.read_text() or child.poll() is not None)
    workers = psutil.Process(child.pid).children(recursive=True)
    child.send_signal(number)
    status = child.wait()
    wait_until(lambda: not any(one.is_running() for one in workers))
    return status


def wait_until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 600
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.1)


def outcomes(data: Path) -> dict[float, float | str]:
    """By learning rate the validation SDR of each trial that went to its end; of the others, how they ended."""
    (file,) = (data / PROFILE / "sweeps").glob("*/trials.db")
    with opened(file, read_ranges([RATES], VARIANTS["open_unmix"]), seed=42, steps=8) as sweep:
        return {
            sweep.values_of(one)["learning_rate"]: one.value if one.state.name == "COMPLETE" else one.state.name
            for one in sweep.ended
        }


def runs_of(data: Path) -> list:
    client = open_store(data / "mlflow")
    experiment = client.get_experiment_by_name(f"sepbench/{PROFILE}")
    return client.search_runs([experiment.experiment_id], f"tags.`{TRIAL}` LIKE '%'", order_by=["start_time ASC"])


@pytest.fixture(scope="module")
def swept(stem_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The data folder of a sweep that nothing broke off, with two trials at once, and what it printed."""
    data = tmp_path_factory.mktemp("sweep") / "data"
    done = subprocess.run(command(data, stem_dataset, jobs=2), cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return data, done.stdout


def test_it_ends_with_an_entry_to_paste_that_says_how_many_trials_it_had(swept: tuple[Path, str]) -> None:
    data, said = swept
    entry = eval(re.search(r"^Variant\(.*?^\)", said, re.MULTILINE | re.DOTALL)[0], {"Variant": Variant})
    assert build_model(entry)
    assert entry.trials == TRIALS
    known = {rate: value for rate, value in outcomes(data).items() if isinstance(value, float)}
    assert entry.learning_rate == max(known, key=known.get)
    assert f"Best of {TRIALS} trials" in said
    assert f"the entry as it is, {known[1e-3]:.2f} dB" in said or entry.learning_rate == 1e-3


def test_no_test_track_is_decoded(swept: tuple[Path, str]) -> None:
    data, _ = swept
    assert {folder.name for folder in (data / PROFILE / "stems").iterdir()} == {"train", "valid"}


def test_in_mlflow_each_trial_is_a_run_below_that_of_the_sweep(swept: tuple[Path, str]) -> None:
    data, _ = swept
    (sweep,) = (run for run in runs_of(data) if PARENT not in run.data.tags)
    trials = [run for run in runs_of(data) if run.data.tags.get(PARENT) == sweep.info.run_id]
    assert {float(run.data.params["learning_rate"]) for run in trials} == {*outcomes(data)}
    assert {run.info.status for run in (sweep, *trials)} == {"FINISHED"}
    assert all("validation_sdr_db" in run.data.metrics for run in trials)
    assert sweep.data.params["variant.name"] == "open_unmix"
    assert sweep.data.metrics["trials"] == TRIALS


def test_nothing_of_the_trials_is_left_on_disk_but_what_they_came_to(swept: tuple[Path, str]) -> None:
    data, _ = swept
    (folder,) = (data / PROFILE / "sweeps").iterdir()
    assert {path.name for path in folder.iterdir()} == {"trials.db", "workers.log"}
    assert not (data / PROFILE / "checkpoints").exists()


def test_killed_and_interrupted_it_goes_on_and_comes_to_the_same(
    swept: tuple[Path, str], stem_dataset: Path, tmp_path: Path
) -> None:
    before, _ = swept
    data, output = tmp_path / "data", tmp_path / "said"
    shutil.copytree(before, data, ignore=shutil.ignore_patterns("mlflow", "sweeps"))
    assert stopped(data, stem_dataset, output, 1, signal.SIGKILL) == -signal.SIGKILL
    assert {run.info.status for run in runs_of(data)} == {"FINISHED", "RUNNING"}  # it had no time to say more
    assert stopped(data, stem_dataset, output, 2, signal.SIGINT) == 130
    assert "The sweep goes on after 1 trials." in output.read_text()
    assert "Stopped: what is done is saved. The same command goes on." in output.read_text()
    assert {run.info.status for run in runs_of(data)} == {"FINISHED", "KILLED"}
    done = subprocess.run(command(data, stem_dataset, jobs=1), cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "The sweep goes on after 2 trials." in done.stdout
    assert len(runs_of(data)) == 1 + TRIALS
    found, expected = outcomes(data), outcomes(before)
    assert found.pop(NOISE) == "PRUNED"
    assert found == {rate: value for rate, value in expected.items() if rate != NOISE}
    assert {run.data.tags[ENDED] for run in runs_of(data) if PARENT in run.data.tags} == {"whole", "stopped early"}
