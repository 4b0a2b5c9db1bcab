"""What the report is made from, gathered from where the benchmark's products lie."""

import json
import os
import shlex
from collections.abc import Iterable, Sequence

import pandas as pd

from assets.job import Job, Made
from assets.making.checkpoint import histories
from assets.making.scores import signals
from assets.making.table import baseline_of, imported_scores, scored, trainings
from assets.paths import Paths
from assets.tracking.provenance import git_state
from sepmodels.report.material import Material, Sounds
from sepmodels.results.imported import comparable
from sepmodels.settings import Profile

OVERRIDES_VARIABLE = "SEPBENCH_OVERRIDES"


def report_material(job: Job) -> Material:
    """The tables, and the function that gives sounds, of everything that has been scored."""
    paths, seeds = job.paths, job.profile.seeds
    said = json.loads((paths.results / "said.json").read_text(encoding="utf-8"))
    found = scored(job)
    trained = [one.name for one in found if one.seeded]
    titles = {one.name: one.title for one in job.systems}
    git = git_state()
    others = imported_scores(job)
    scores = [pd.read_parquet(paths.scores(one.name)) for one in found] + list(others.values())
    return Material(
        profile=job.profile,
        summary=pd.read_parquet(paths.results / "results.parquet"),
        comparisons=pd.read_parquet(paths.results / "comparisons.parquet"),
        by_seed=pd.read_parquet(paths.results / "by_seed.parquet"),
        said=said["sentences"],
        notes=said["notes"],
        scenario=said["scenario"],
        claims=pd.read_parquet(paths.claims / "claims.parquet"),
        missing=[titles[name] for name in said["missing"]],
        scores=comparable(pd.concat(scores, ignore_index=True), others),
        histories=histories(paths, trained, seeds),
        trainings=trainings(paths, trained),
        separations=_separations(paths, trained),
        tracks=pd.read_parquet(paths.tracks),
        baseline=baseline_of(found),
        sounds=_sounds(job),
        summaries={one.name: one.summary for one in job.systems},
        estimate_folders={name: f"../estimates/{name}/seed_{seeds[0]}" for name in trained},
        origins=job.origins(),
        command=command(job.profile, trained),
        commit=git.get("mlflow.source.git.commit", ""),
        edited=git.get("git.dirty") == "true",
    )


def command(profile: Profile, trained: Sequence[str]) -> str:
    """What makes the benchmark again: only those variants, with the settings that were given by ``--set``."""
    from sepmodels.systems.variants import variants_of

    parts = ["sepbench", "run", "-p", profile.name]
    if profile.dataset.layout != "demo":
        parts += ["--dataset", "DIR"]
    if set(trained) != set(variants_of(profile)):
        parts += [part for name in trained for part in ("--only", name)]
    for key, text in json.loads(os.environ.get(OVERRIDES_VARIABLE) or "{}").items():
        parts += ["--set", f"{key}={text}"]
    return shlex.join(parts)


def _sounds(job: Job) -> Sounds:
    """Any system's estimates of a test track; of a trained one, by the model of the first seed."""
    systems = {one.name: one for one in job.systems}

    def sounds(name: str, track: str):
        return signals(job.paths, systems[name], job.profile.seeds[0], track)

    return sounds


def _separations(paths: Paths, names: Iterable[str]) -> pd.DataFrame:
    """What each separation of a test track took, by system and seed."""
    files = (paths.separation_figures(name) for name in names)
    tables = [pd.read_parquet(file).assign(variant=file.parent.name) for file in files if file.exists()]
    columns = ["variant", "seed", "device", "processor_seconds", "audio_seconds"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def make_report(job: Job) -> Made:
    """The site with the table, the figures and the players, which opens from disk."""
    from assets.making.report import report_material
    from sepmodels.report.site import write_site

    content = write_site(report_material(job), job.paths.report, progress=job.progress)
    files = [path for path in job.paths.report.rglob("*") if path.is_file()]
    return Made(content, {"files": len(files), "bytes": sum(path.stat().st_size for path in files)})
