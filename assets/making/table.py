"""The table of all systems, and the report."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from assets.job import Job, Made
from assets.paths import Paths
from sepmodels.files import hash_texts, replacing
from sepmodels.settings import Profile
from sepmodels.systems import known_systems
from sepmodels.systems.given_scores import given_scores
from sepmodels.systems.system import System
from sepmodels.systems.variants import BASELINE

PROCESSOR_SECONDS = "processor seconds per second of music"


def make_table(job: Job) -> Made:
    """Sum up the scores of all systems in one table, with what each change brought."""
    from sepmodels.results.table import make_results
    from sepmodels.results.writing import write_results

    found = scored(job)
    others = imported_scores(job)
    tables = [pd.read_parquet(job.paths.scores(one.name)) for one in found] + list(others.values())
    scores = pd.concat(tables, ignore_index=True)
    results = make_results(
        scores,
        (*job.systems, *map(given_scores, others)),
        baseline=baseline_of(found),
        figures=system_figures(job),
        trainings=trainings(job.paths, [one.name for one in found]),
        dataset=job.profile.name,
    )
    accepted = tuple(f"{one.asset} was {one.accepted}" for one in job.origins() if one.accepted)
    results = replace(results, notes=(*results.notes, *accepted))
    write_results(results, job.paths.results)
    said = {
        "scenario": results.scenario,
        "sentences": results.sentences,
        "notes": list(results.notes),
        "missing": list(results.missing),
    }
    with replacing(job.paths.results / "said.json") as temporary:
        temporary.write_text(json.dumps(said, indent=1), encoding="utf-8")
    untimed = results.summary.drop(columns=list(results.figures))  # two runs that did the same never took as long
    tables = (scores, untimed, results.comparisons, results.control, results.by_seed, results.published)
    return Made(
        hash_texts([*(table.to_csv(index=False) for table in tables), json.dumps(said)]),
        {"systems": len(found), "tracks": int(scores.track.nunique()), "missing": ", ".join(results.missing)},
    )


def imported_scores(job: Job) -> dict[str, pd.DataFrame]:
    """The scores of others' systems, from the museval files that a person put in, by the folder's name."""
    from sepmodels.results.imported import check_names
    from sepmodels.scoring import read_museval_files

    entries = sorted(job.paths.imported.iterdir()) if job.paths.imported.is_dir() else []
    folders = [entry for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    check_names([folder.name for folder in folders], {*(one.name for one in job.systems), *known_systems()})
    return {folder.name: read_museval_files(folder) for folder in folders}


def imported_files(_profile: Profile, paths: Paths) -> Path | None:
    """The folder of others' museval files, if there is one."""
    return paths.imported if paths.imported.is_dir() else None


def scored(job: Job) -> list[System]:
    """The systems of the benchmark that have scores."""
    return [one for one in job.systems if job.paths.scores(one.name).exists()]


def trainings(paths: Paths, names: Iterable[str]) -> pd.DataFrame:
    """What is known of every training of these systems: a row each, by the names of its report's fields."""
    files = (paths.training_figures(name) for name in names)
    tables = [pd.read_parquet(file).assign(variant=file.parent.name) for file in files if file.exists()]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["variant", "seed", "seconds"])


def system_figures(job: Job) -> pd.DataFrame:
    """What is known of each system beside its scores: its size, its training, its speed.

    Minutes of a training are those that passed, beside whatever else ran then. What it costs is told in processor
    time, which that leaves alone, and which on a GPU says nothing.
    """
    rows: dict[str, dict[str, float]] = {one.name: {} for one in job.systems}
    for name, row in rows.items():
        if (path := job.paths.training_figures(name)).exists():
            seeds = pd.read_parquet(path)
            row["million parameters"] = float(seeds.parameters.mean()) / 1e6
            row["training steps"] = float(seeds.steps.mean())
            row["training minutes"] = float(seeds.seconds.mean()) / 60
            if (seeds.device == "cpu").all() and job.profile.training.processes == 1:
                row["training processor minutes"] = float(seeds.processor_seconds.mean()) / 60
        if (path := job.paths.separation_figures(name)).exists():
            times = pd.read_parquet(path)
            if (times.device == "cpu").all():
                row[PROCESSOR_SECONDS] = float(times.processor_seconds.sum() / times.audio_seconds.sum())
    return pd.DataFrame.from_dict(rows, orient="index")


def baseline_of(found: Sequence[System]) -> str:
    """The system that the others are compared with: the first of those that are there, where it is missing."""
    names = [one.name for one in found]
    return BASELINE if BASELINE in names else names[0]
