"""Of several seeds those that are trained already are kept, and the one that was broken off goes on."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
import torch

from assets.making.checkpoint import hash_weights
from assets.paths import Paths
from assets.staleness.standing import REFRESH_TAGS
from assets.tracking.edits import PATCH
from assets.tracking.registry import model_name
from assets.tracking.store import open_store
from sepmodels.settings import Profile
from sepmodels.training.step import Learner
from tests.conftest import PROJECT
from tests.small_benchmark import materialize, small_profile

pytestmark = pytest.mark.slow

VARIANT = "open_unmix"
SEEDS = (1, 2)
STEPS = 4
TIMES = ["seconds", "processor_seconds", "chunks_per_second", "data_share", "peak_memory_gib", "notes"]

# The training of the profile with these seeds, which is killed in the third step of the second.
KILLED = """
import os, signal, sys
from pathlib import Path
import dagster as dg
from sepmodels.training import loop
from sepmodels.training.step import Learner
from tests.whole.test_seeds import STEPS, refresh, seeded

loop.SAVE_EVERY_SECONDS = 0.0
step, steps = Learner.step, []
def killed(self, mixture, target):
    steps.append(len(steps))
    if len(steps) == STEPS + 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, mixture, target)
Learner.step = killed
dataset, data, home = map(Path, sys.argv[1:])
with dg.DagsterInstance.local_temp(str(home)) as instance:
    refresh(seeded(dataset), data, instance)
"""


def seeded(dataset: Path, seeds: tuple[int, ...] = SEEDS) -> Profile:
    return replace(small_profile(dataset), seeds=seeds)


def refresh(
    profile: Profile, data: Path, instance: dg.DagsterInstance, tags: dict[str, str] = REFRESH_TAGS
) -> dict[str, dg.AssetMaterialization]:
    """Train, with what that needs; gives what was materialized."""
    upstream = dg.AssetSelection.assets(dg.AssetKey([profile.name, VARIANT, "checkpoint"])).upstream()
    done = materialize(profile, data, instance, [VARIANT], selection=upstream, tags=tags)
    assert done.success
    events = done.get_asset_materialization_events()
    return {"/".join(event.asset_key.path[1:]): event.materialization for event in events}


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each training step."""
    forward, steps = Learner.step, []

    def step(self: Learner, mixture: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        steps.append(len(steps))
        return forward(self, mixture, target)

    monkeypatch.setattr(Learner, "step", step)
    return steps


def results(paths: Paths, seeds: tuple[int, ...]) -> dict[str, object]:
    """All that the trainings left, without times."""
    figures = pd.read_parquet(paths.training_figures(VARIANT)).drop(columns=TIMES)
    histories = [pd.read_parquet(paths.history(VARIANT, seed)).to_csv() for seed in seeds]
    weights = [hash_weights(paths.model(VARIANT, seed)) for seed in seeds]
    files = {file.relative_to(paths.root) for file in (paths.root / "checkpoints").rglob("*")}
    return {"figures": figures.to_csv(), "histories": histories, "weights": weights, "files": files}


def test_a_kill_9_in_the_second_seed_costs_the_first_nothing_and_the_result_is_that_of_an_undisturbed_run(
    stem_dataset: Path, tmp_path: Path, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.factory.code_edits", lambda why: f"edits, for {', '.join(why)}")
    undisturbed, killed = (Paths(tmp_path / name, "musdb18-7s") for name in ("undisturbed", "killed"))
    home = tmp_path / "home"
    home.mkdir()
    script = [sys.executable, "-c", KILLED, *map(str, (stem_dataset, killed.data, home))]
    ended = subprocess.run(script, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)}, check=False)
    assert ended.returncode == -signal.SIGKILL

    with dg.DagsterInstance.local_temp(str(home)) as instance, dg.DagsterInstance.ephemeral() as another:
        expected = refresh(seeded(stem_dataset), undisturbed.data, another)[f"{VARIANT}/checkpoint"]
        assert len(steps) == 2 * STEPS
        steps.clear()
        found = refresh(seeded(stem_dataset), killed.data, instance)[f"{VARIANT}/checkpoint"]
        assert len(steps) == STEPS - 2  # two of the second seed's had been saved
        assert results(killed, SEEDS) == results(undisturbed, SEEDS)
        assert found.tags["dagster/data_version"] == expected.tags["dagster/data_version"]
        assert not list(killed.data.rglob("states"))

        steps.clear()
        added = refresh(seeded(stem_dataset, (1, 2, 3)), killed.data, instance)[f"{VARIANT}/checkpoint"]
        assert len(steps) == STEPS  # of the third alone
        steps.clear()
        again = refresh(seeded(stem_dataset, (1, 2, 3)), killed.data, instance, {})[f"{VARIANT}/checkpoint"]
        assert len(steps) == 3 * STEPS  # it was asked for, although nothing had changed
        assert again.tags["dagster/data_version"] == added.tags["dagster/data_version"]

    client = open_store(killed.data / "mlflow")
    experiment = client.get_experiment_by_name("sepbench/musdb18-7s")
    key = f"tags.`dagster.asset_key` = 'musdb18-7s/{VARIANT}/checkpoint'"
    runs = client.search_runs([experiment.experiment_id], key, order_by=["attributes.start_time"])
    assert [run.info.status for run in runs] == ["FINISHED"] * 3
    for run, seeds in zip(runs, [(1, 2), (1, 2, 3), (1, 2, 3)], strict=True):
        below = f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
        children = client.search_runs([experiment.experiment_id], below, order_by=["attributes.start_time"])
        assert [one.info.run_name for one in children] == [f"{VARIANT}, seed {seed}" for seed in seeds]
        for one in children:
            assert one.info.status == "FINISHED"
            points = client.get_metric_history(one.info.run_id, "loss")
            assert [point.step for point in points] == [1, 2, 3, 4]
            assert {"best_validation_sdr_db", "seconds"} <= one.data.metrics.keys() & run.data.metrics.keys()
    assert [run.info.run_name for run in runs] == [
        f"{VARIANT}: first training",
        f"{VARIANT}: seeds [1, 2, 3], was [1, 2]",
        f"{VARIANT}: again, as it was asked for",
    ]
    patches = [Path(client.download_artifacts(run.info.run_id, PATCH)).read_text() for run in runs[1:]]
    assert patches == ["edits, for setting seeds changed from [1, 2] to [1, 2, 3]", "edits, for it was asked for"]
    versions = client.search_model_versions(f"name = '{model_name('musdb18-7s', VARIANT)}'")
    assert len(versions) == 3  # the models of before stay
