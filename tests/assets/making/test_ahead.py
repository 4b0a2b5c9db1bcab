"""What a step hands to a cluster, and what a worker makes of that."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assets.graph import benchmark_steps
from assets.job import Job, Made
from assets.making.ahead import made_here, parts_of
from assets.making.part_work import job_of
from assets.paths import Paths
from assets.step import Step
from pipelines.profiles import PROFILES
from sepmodels.cluster import ending
from sepmodels.cluster.events import Told
from sepmodels.cluster.part import Needs, Part, PartFolder, Record
from sepmodels.cluster.same_code import code_digest
from sepmodels.cluster.settings import ClusterSettings
from sepmodels.cluster.worker import function_of
from sepmodels.settings import Profile
from sepmodels.systems import known_systems
from sepmodels.systems.system import System
from sepmodels.systems.variants import VARIANTS
from tests.cluster_engine import WORKER, Processes
from tests.cluster_parts import COUNT, part

MUSDB = replace(PROFILES["musdb18"], seeds=(42, 43), device="cuda:1")
CLUSTER = ClusterSettings("slurm", parallel=2, gpus=1, processors=4, memory_gb=10.0)
ONE = VARIANTS["open_unmix"]


def handed_over(path: tuple[str, ...], profile: Profile, data: Path, system: System = ONE) -> list[Part]:
    """The parts of a step."""
    (step,) = [step for step in benchmark_steps(profile, [system]) if step.path == path]
    return list(parts_of(step, Job(profile, Paths(data, profile.name), system, code_version="one"), CLUSTER))


def test_each_seed_is_a_training_and_each_of_its_processes_has_a_gpu(tmp_path: Path) -> None:
    parts = handed_over(("open_unmix", "checkpoint"), MUSDB, tmp_path)
    assert [(part.name, part.arguments["seed"]) for part in parts] == [("seed_42", 42), ("seed_43", 43)]
    assert {part.needs for part in parts} == {Needs(1, 4, 10.0)}
    two = replace(MUSDB, training=replace(MUSDB.training, processes=2))
    assert handed_over(("open_unmix", "checkpoint"), two, tmp_path)[0].needs == Needs(2, 8, 10.0)
    on_cpu = replace(MUSDB, device="cpu")
    assert handed_over(("open_unmix", "checkpoint"), on_cpu, tmp_path)[0].needs == Needs(0, 4, 10.0)


def test_test_tracks_are_shared_out_for_each_seed_and_only_separations_have_gpus(tmp_path: Path) -> None:
    folder = Paths(tmp_path, MUSDB.name).stems("test")
    folder.mkdir(parents=True)
    for name in "abc":
        np.save(folder / f"{name}.npy", np.zeros((5, 2, 9), np.int16))
        (folder / f"{name}.json").write_text("{}")
    shares = [(42, ["a", "c"]), (42, ["b"]), (43, ["a", "c"]), (43, ["b"])]
    for chain_step, gpus in (("estimates", 1), ("scores", 0), ("measures", 0)):
        parts = handed_over(("open_unmix", chain_step), replace(MUSDB, measures=("SI-SDR",)), tmp_path)
        assert [(part.arguments["seed"], part.arguments["tracks"]) for part in parts] == shares
        assert {part.needs.gpus for part in parts} == {gpus}


def test_what_a_worker_has_measured_the_step_only_puts_together(tmp_path: Path) -> None:
    profile, system = replace(PROFILES["demo"], measures=("SI-SDR",)), known_systems()["mixture"]
    folder = Paths(tmp_path, profile.name).stems("test")
    folder.mkdir(parents=True)
    stems = np.random.default_rng(1).integers(-9999, 9999, (5, 2, 44_100), np.int16)
    np.save(folder / "a.npy", stems)
    (folder / "a.json").write_text("{}")
    (measures,) = [step for step in benchmark_steps(profile, [system]) if step.path == ("mixture", "measures")]
    job = Job(profile, Paths(tmp_path, profile.name), system, code_version="one")
    (one,) = parts_of(measures, job, CLUSTER)
    function_of(one)(Told(tmp_path / "events"), **json.loads(json.dumps(dict(one.arguments))))
    (part_file,) = job.paths.measure_parts("mixture").rglob("*.parquet")
    written = part_file.stat().st_mtime_ns
    ahead = measures.make(job)
    assert part_file.stat().st_mtime_ns == written
    assert measures.make(replace(job, anew=True)) == ahead
    assert part_file.stat().st_mtime_ns > written


@pytest.mark.parametrize("name", PROFILES)
def test_a_worker_has_the_same_job_from_json_but_the_number_of_the_gpu(name: str, tmp_path: Path) -> None:
    profile = replace(PROFILES[name], seeds=(1,), device="cuda:1", changed_settings=(("seeds", "1"),))
    (one,) = handed_over(("open_unmix", "checkpoint"), profile, tmp_path)
    arguments = json.loads(json.dumps(dict(one.arguments)))
    assert arguments.pop("seed") == 1
    job = job_of(Told(tmp_path / "events"), **arguments)
    assert (job.profile, job.system, job.code_version) == (replace(profile, device="cuda"), ONE, "one")
    assert job.paths == Paths(tmp_path, name)


def test_what_a_cluster_still_makes_ends_before_the_same_is_made_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Processes()
    monkeypatch.setattr(ending, "engine_of", lambda _settings: engine)
    paths = Paths(tmp_path, "demo")
    folder = PartFolder(paths.root / "parts" / "open_unmix-checkpoint" / "seed_42")
    folder.write(part("seed_42", COUNT, to=100_000, place=str(tmp_path / "counted")))
    (job,) = engine.submit(
        [str(folder.path)],
        tmp_path,
        Needs(),
        [*WORKER, "-P", "-m", "sepmodels.cluster.worker", "--digest", code_digest()],
    )
    folder.keep_record(Record("slurm", job))
    while not (tmp_path / "counted").exists():
        time.sleep(0.02)

    def make(_job: Job) -> Made:
        assert not engine.states([job])
        return Made("made here")

    step = Step(("open_unmix", "checkpoint"), make, group="", description="")
    assert made_here(step, Job(PROFILES["demo"], paths)).content == "made here"
    assert not folder.path.parent.exists()


def test_what_workers_do_imports_neither_dagster_nor_mlflow_nor_a_database() -> None:
    """At first; the tests with real engines refuse any such import while they work, too."""
    names = {"dagster", "mlflow", "sqlalchemy", "psycopg2", "pipelines"}
    words = f"import sys, assets.making.part_work, sepmodels.cluster.worker; assert not {names} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", words], check=True)
