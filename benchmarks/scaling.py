#!/usr/bin/env python3
"""How much sooner a cluster's parts are made by two workers than by one, and what a part costs beside its work.

The parts are trainings, a seed and a thread each; the cluster is a Ray that this starts on this machine, with as many
pretended GPUs as workers. It prints the seconds of each number of workers, and the ratio.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from assets.graph import benchmark_steps  # noqa: E402
from assets.job import Job  # noqa: E402
from assets.making.ahead import parts_of  # noqa: E402
from assets.making.beside import Beside  # noqa: E402
from assets.paths import Paths  # noqa: E402
from assets.step import Step  # noqa: E402
from benchmarks.kills import write_dataset  # noqa: E402
from pipelines.profiles import PROFILES  # noqa: E402
from sepmodels.cluster.making import make_parts  # noqa: E402
from sepmodels.cluster.part import Part  # noqa: E402
from sepmodels.cluster.settings import ClusterSettings  # noqa: E402
from sepmodels.settings import Profile  # noqa: E402
from sepmodels.systems.variants import VARIANTS  # noqa: E402
from sepmodels.training.run_folder import outcome_file  # noqa: E402

VARIANT = VARIANTS["open_unmix"]
NEEDED = [("dataset",), ("tracks",), ("stems", "train"), ("stems", "valid"), ("statistics",)]


class Unheard:
    """Keeps nothing of what parts tell."""

    def log(self, part: Part, figures: dict[str, float], step: int) -> None:
        pass

    def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
        pass

    def say(self, sentence: str) -> None:
        pass

    warn = say


def profile_of(dataset: Path, parts: int, steps: int) -> Profile:
    """The profile of a person's own songs, with so many seeds and short trainings on a thread each."""
    plain = PROFILES["folder"]
    training = replace(plain.training, batch=2, chunk_seconds=1.0, chunks_per_track=4, steps=steps, precision="32")
    return replace(
        plain, dataset=replace(plain.dataset, folder=str(dataset)), training=training, seeds=tuple(range(parts))
    )


def prepared(folder: Path, profile: Profile) -> tuple[Step, Job]:
    """The step of the trainings, after all that it reads was made."""
    steps = {step.path: step for step in benchmark_steps(profile, [VARIANT])}
    job = Job(profile, Paths(folder, profile.name), VARIANT, (VARIANT,), code_version="scaling")
    for path in NEEDED:
        steps[path].make(job)
    return steps[VARIANT.name, "checkpoint"], job


def seconds_by(workers: int, step: Step, job: Job, cluster: ClusterSettings) -> tuple[float, float]:
    """The seconds of all parts by so many workers, and of the trainings in them, summed up."""
    import ray

    ray.init(num_cpus=workers, num_gpus=workers, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    try:
        job = replace(job, code_version=f"{workers} workers")  # so that nothing is kept of the turn before
        parts = list(parts_of(step, job, cluster))
        begun = time.perf_counter()
        results = make_parts(parts, job.paths.root / "parts" / f"by-{workers}", cluster, {}, Unheard())
        seconds = time.perf_counter() - begun
    finally:
        ray.shutdown()
    if faults := [one.sentence for one in results.values() if one.outcome != "done"]:
        raise SystemExit(" ".join(faults))
    return seconds, sum(trained_seconds(job, seed) for seed in job.profile.seeds)


def trained_seconds(job: Job, seed: int) -> float:
    outcome = outcome_file(Beside(job.paths.data, job.paths.profile).checkpoint(VARIANT.name, seed))
    return float(json.loads(outcome.read_text(encoding="utf-8"))["report"]["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--steps", type=int, default=100)
    asked = parser.parse_args()
    cluster = ClusterSettings("ray", gpus=1, processors=1)
    with tempfile.TemporaryDirectory() as name:
        write_dataset(Path(name, "dataset"))
        step, job = prepared(Path(name, "data"), profile_of(Path(name, "dataset"), asked.parts, asked.steps))
        taken = {}
        for workers in (1, 2):
            taken[workers], trained = seconds_by(workers, step, job, cluster)
            beside = (taken[workers] * workers - trained) / asked.parts
            print(
                f"{workers} worker{'s' if workers > 1 else ''}: {asked.parts} parts in {taken[workers]:.1f} s; of each "
                f"{trained / asked.parts:.1f} s are training and {beside:.1f} s come beside it",
                flush=True,
            )
    print(f"Two workers are {taken[1] / taken[2]:.2f} times as fast as one.")


if __name__ == "__main__":
    main()
