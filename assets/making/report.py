"""What the report is made from, gathered from where the benchmark's products lie."""

import json
import os
import shlex
from collections.abc import Iterable, Sequence

import pandas as pd

from assets.job import Job, Made
from assets.making.checkpoint import histories
from assets.making.scores import reference_signals, variant_signals
from assets.making.table import baseline_of, imported_scores, references, titles, trainings
from assets.paths import Paths
from assets.tracking.provenance import git_state
from sepmodels.report.material import Material, Sounds
from sepmodels.results.imported import comparable
from sepmodels.settings import Profile

OVERRIDES_VARIABLE = "SEPBENCH_OVERRIDES"


def report_material(job: Job) -> Material:
    """The tables, and the function that gives sounds, of everything that has been scored."""
    from sepmodels.systems.variants import VARIANTS

    paths, seeds = job.paths, job.profile.seeds
    said = json.loads((paths.results / "said.json").read_text(encoding="utf-8"))
    found = [name for name in job.names if paths.scores(name).exists()]
    trained = [name for name in found if name not in references()]
    git = git_state()
    others = imported_scores(job)
    scores = [pd.read_parquet(paths.scores(name)) for name in found] + list(others.values())
    return Material(
        profile=job.profile,
        summary=pd.read_parquet(paths.results / "results.parquet"),
        comparisons=pd.read_parquet(paths.results / "comparisons.parquet"),
        by_seed=pd.read_parquet(paths.results / "by_seed.parquet"),
        said=said["sentences"],
        notes=said["notes"],
        scenario=said["scenario"],
        claims=pd.read_parquet(paths.claims / "claims.parquet"),
        missing=[titles(job.names)[name] for name in said["missing"]],
        scores=comparable(pd.concat(scores, ignore_index=True), others),
        histories=histories(paths, trained, seeds),
        trainings=trainings(paths, trained),
        separations=_separations(paths, trained),
        tracks=pd.read_parquet(paths.tracks),
        baseline=baseline_of(found),
        sounds=_sounds(paths, seeds[0]),
        summaries={name: one.summary for name, one in {**VARIANTS, **references()}.items()},
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


def _sounds(paths: Paths, seed: int) -> Sounds:
    """Any system's estimates of a test track; of a trained one, by the model of that seed."""

    def sounds(system: str, track: str):
        give = reference_signals if system in references() else variant_signals
        return give(paths, system, seed, track)

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
