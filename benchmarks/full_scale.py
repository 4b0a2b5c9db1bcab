"""A dataset of MUSDB18's shape through every stage: seconds, processor seconds, memory and disk of each.

    python benchmarks/make_full_length.py --tracks 30 --seconds 240 --copy --out DIR/dataset
    python benchmarks/full_scale.py --dataset DIR/dataset --work DIR/work
    python benchmarks/full_scale.py --work DIR/work --stages none    # only the tables, from what was measured

The stages are the graph's own steps, each in a process of its own, without Dagster and MLflow around them; memory is
that of :mod:`watching`.

From what was measured, a second table computes MUSDB18 in full: processor time by the minute of music (seconds on the
wall depend on what else runs), memory as it is (no stage's grows with the number of tracks), training by the step.
"""

import argparse
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
from watching import watched

from assets.graph import benchmark_steps
from assets.job import Job
from assets.paths import Paths
from assets.step import Step
from pipelines.profiles import PROFILES
from sepmodels.audio.probing import probe
from sepmodels.settings import Profile
from sepmodels.systems.system import System
from sepmodels.systems.variants import find_variant

# MUSDB18: hours of its splits (86, 14 and 50 tracks), and the steps of an epoch of Open-Unmix's training.
HOURS = {"train": 5.6, "valid": 0.9, "test": 3.46}
STEPS_AN_EPOCH = 64 * 86 // 16
EPOCHS = 300


@dataclass(frozen=True)
class Measured:
    """One stage: what it took, over how many minutes of music, and the steps that a training made."""

    seconds: float
    cpu_seconds: float
    memory_bytes: int
    disk_bytes: int
    music_minutes: float
    steps: int = 0
    step_seconds: float = 0.0


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, help="a folder in MUSDB's layout; see make_full_length.py")
    parser.add_argument("--work", type=Path, required=True, help="where the products and the figures go")
    parser.add_argument("--variants", nargs=2, default=["open_unmix", "l1_loss"])
    parser.add_argument("--steps", type=int, default=20, help="of each training, 16 chunks of 6 s (default: 20)")
    parser.add_argument("--stages", nargs="*", help="only these, or none; all of them by default")
    chosen = parser.parse_args()
    profile = full_profile(chosen.dataset, chosen.steps)
    systems = tuple(find_variant(name) for name in chosen.variants)
    stages = stages_of(profile, systems)
    wanted = list(stages) if chosen.stages is None else [name for name in chosen.stages if name != "none"]
    figures = read_figures(chosen.work)
    for name in wanted:
        figures[name] = measure(stages[name], profile, chosen.work, systems)
        write_figures(chosen.work, figures)
        print(f"{name}: {figures[name]}", flush=True)
    kept = {name: figures[name] for name in stages if name in figures}
    print("\n".join([measured_table(kept), "", computed_table(kept)]))


def full_profile(dataset: Path | None, steps: int) -> Profile:
    """MUSDB18's own profile, with a training that ends after a few steps."""
    profile = PROFILES["musdb18"]
    folder = str(dataset.resolve()) if dataset else None
    return replace(
        profile,
        dataset=replace(profile.dataset, folder=folder),
        training=replace(profile.training, steps=steps),
        device="cpu",
    )


def stages_of(profile: Profile, systems: tuple[System, ...]) -> dict[str, Step]:
    """The graph's steps up to the scores, by name."""
    steps = benchmark_steps(profile, systems)
    return {"/".join(step.path): step for step in steps if step.path[-1] not in ("results", "report")}


def measure(step: Step, profile: Profile, work: Path, systems: tuple[System, ...]) -> Measured:
    """Run one stage and watch it."""
    paths = Paths(work.resolve(), profile.name)
    job = Job(profile, paths, step.system, systems, code_version="full scale", anew=True)
    before = bytes_below(paths.root)
    seen = watched(_make, step, job)
    steps, step_seconds = seen.answer
    return Measured(
        seen.seconds,
        seen.cpu_seconds,
        seen.memory_bytes,
        bytes_below(paths.root) - before,
        music_minutes(paths, step),
        steps,
        step_seconds,
    )


def _make(step: Step, job: Job) -> tuple[int, float]:
    """Make the step's product; of a training, the number of its steps and the seconds of one."""
    figures = step.make(job).figures
    rate = float(figures.get("chunks_per_second", 0.0))
    return int(figures.get("steps", 0)), job.profile.training.batch / rate if rate else 0.0


def bytes_below(folder: Path) -> int:
    """The size of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def music_minutes(paths: Paths, step: Step) -> float:
    """How much music the stage worked on."""
    if step.path[-1] == "dataset":  # its tracks are not measured yet
        return sum(stated_seconds(file) for file in pd.read_parquet(paths.manifest).source) / 60
    table = pd.read_parquet(paths.tracks, columns=["split", "duration_seconds"])
    splits = {"tracks": (*HOURS,), "statistics": ("train",), "checkpoint": ("valid",)}
    chosen = (step.path[-1],) if step.path[0] == "stems" else splits.get(step.path[-1], ("test",))
    return float(table.duration_seconds[table.split.isin(chosen)].sum() / 60)


def stated_seconds(file: str) -> float:
    """The length that a stem file's header states."""
    return max(header.seconds or 0.0 for header in probe(Path(file)))


def measured_table(figures: dict[str, Measured]) -> str:
    """What was measured, as Markdown."""
    lines = [
        "| stage | music, min | seconds | CPU s | memory, GB | disk, GB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, one in figures.items():
        seconds = f"{one.seconds:.0f}" + (f" ({one.steps} steps of {one.step_seconds:.1f} s)" if one.steps else "")
        numbers = [f"{one.music_minutes:.0f}", seconds, f"{one.cpu_seconds:.0f}"]
        numbers += [f"{one.memory_bytes / 1e9:.2f}", f"{one.disk_bytes / 1e9:.2f}"]
        lines.append(f"| {name} | {' | '.join(numbers)} |")
    return "\n".join(lines)


def computed_table(figures: dict[str, Measured]) -> str:
    """MUSDB18 in full on cores like these, as Markdown: all computed from what was measured."""
    lines = ["| stage, MUSDB18 in full, computed | core hours | memory, GB | disk, GB |", "|---|---:|---:|---:|"]
    for name, one in figures.items():
        part = name.rpartition("/")[2]
        hours = HOURS["train"] if part == "statistics" else HOURS.get(part, HOURS["test"])
        hours = sum(HOURS.values()) if part in ("dataset", "tracks") else hours
        scale = hours * 60 / one.music_minutes
        cores, disk = one.cpu_seconds * scale / 3600, one.disk_bytes * scale / 1e9
        if part == "checkpoint":
            epoch = core_seconds_an_epoch(one)
            name, cores, disk = f"{name}, {EPOCHS} epochs of {epoch:.0f} s", EPOCHS * epoch / 3600, one.disk_bytes / 1e9
        lines.append(f"| {name} | {cores:.2f} | {one.memory_bytes / 1e9:.2f} | {disk:.2f} |")
    return "\n".join(lines)


def core_seconds_an_epoch(one: Measured) -> float:
    """Of Open-Unmix's training on MUSDB18: its steps, and its validation on fourteen whole tracks."""
    stepping = one.cpu_seconds * min(1.0, one.steps * one.step_seconds / one.seconds)
    validation = (one.cpu_seconds - stepping) * HOURS["valid"] * 60 / one.music_minutes
    return STEPS_AN_EPOCH * stepping / one.steps + validation


def read_figures(work: Path) -> dict[str, Measured]:
    """What earlier calls measured."""
    file = work / "measured.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    return {name: Measured(**one) for name, one in found.items()}


def write_figures(work: Path, figures: dict[str, Measured]) -> None:
    """Keep what was measured."""
    work.mkdir(parents=True, exist_ok=True)
    (work / "measured.json").write_text(json.dumps({name: asdict(one) for name, one in figures.items()}, indent=1))


if __name__ == "__main__":
    main()
