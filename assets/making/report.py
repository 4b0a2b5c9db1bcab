"""What the report is made from, gathered from where the benchmark's products lie."""

import json
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from assets.job import Job, Made
from assets.making.checkpoint import histories
from assets.making.other_music import jobs_on, remove_all_but, stale_on
from assets.making.scores import signals
from assets.making.table import ACROSS, MEASURED, baseline_of, scored, scores_of, stale_systems, trainings, with_terms
from assets.paths import Paths
from assets.tracking.edits import can_be_applied, code_edits
from assets.tracking.provenance import git_state
from sepmodels.dataset.other_test_sets import other_test_sets
from sepmodels.files import hash_texts
from sepmodels.report.material import Material, Sounds
from sepmodels.results.against import against_others
from sepmodels.results.before import sdr_before
from sepmodels.results.imported import comparable
from sepmodels.settings import Profile


def report_material(job: Job, stale: Mapping[str, str] | None = None) -> Material:
    """The tables, and the function that gives sounds, of everything that has been scored on the job's test set.

    stale: why systems are not up to date on a test set beside the profile's own.
    """
    paths, seeds = job.paths, job.profile.seeds
    said = json.loads((paths.results / "said.json").read_text(encoding="utf-8"))
    found = scored(job)
    trained = [one.name for one in found if one.seeded]
    titles = {one.name: one.title for one in job.systems}
    git, edits = git_state(), code_edits()
    scores = scores_of(job)
    known, made = job.origins(), trainings(paths, [one.name for one in found])
    terms = with_terms(made, known, job.systems)
    elsewhere = [one.name for one in found if one.place == "elsewhere"]
    separated = {one.name: one.seeds_of(seeds)[0] for one in found if "estimates" in one.chain}
    return Material(
        profile=job.profile,
        summary=pd.read_parquet(paths.results / "results.parquet").assign(
            unequal=lambda table: table.get("unequal", "")  # which tables of before do not have
        ),
        comparisons=pd.read_parquet(paths.results / "comparisons.parquet"),
        by_seed=pd.read_parquet(paths.results / "by_seed.parquet"),
        said=said["sentences"],
        notes=said["notes"],
        scenario=said["scenario"],
        claims=pd.read_parquet(paths.claims / "claims.parquet"),
        missing=[titles[name] for name in said["missing"]],
        scores=comparable(scores, elsewhere),
        histories=histories(paths, trained, seeds),
        trainings=trainings(paths, trained),
        separations=_separations(paths, trained),
        tracks=pd.read_parquet(paths.tracks),
        baseline=baseline_of(found),
        others=dict(
            against_others(
                scores,
                job.systems,
                baseline_of(found),
                terms,
                stale_systems(known) if stale is None else stale,
                job.profile.statistics_by,
            )
        ),
        shared_notes=said.get("shared_notes", ()),  # which tables of before do not have
        sounds=_sounds(job),
        before=sdr_before(paths.results),
        silent=_silent(job, separated),
        summaries={one.name: one.words for one in job.systems},
        estimate_folders={
            name: os.path.relpath(paths.estimates(name, seed), paths.report) for name, seed in separated.items()
        },
        measured=_measured(paths),
        origins=known,
        command=command(job.profile, trained),
        commit=git.get("mlflow.source.git.commit", ""),
        edited=git.get("git.dirty") == "true",
        edits=edits if can_be_applied(edits) else "",
    )


def _measured(paths: Paths) -> pd.DataFrame | None:
    path = (paths.results / MEASURED).with_suffix(".parquet")
    return pd.read_parquet(path) if path.exists() else None


def materials(job: Job) -> dict[str, Material]:
    """What the report's pages are made from: by the name of each other test set, and last, by "", of the own one."""
    own = report_material(job)
    others = {one.name: report_material(on, stale_on(own.origins, one.name)) for one, on in jobs_on(job)}
    if not others:
        return {"": own}
    below = {job.profile.name: "index.html"} | {name: f"{name}/index.html" for name in others}
    beside = {name: f"../{address}" for name, address in below.items()}
    found = {name: replace(one, test_set=name, pages=beside, command=own.command) for name, one in others.items()}
    across = pd.read_parquet((job.paths.results / ACROSS).with_suffix(".parquet"))
    judged = {name: one.claims for name, one in others.items()}
    return found | {"": replace(own, pages=below, across=across, claims_elsewhere=judged)}


def command(profile: Profile, trained: Sequence[str]) -> str:
    """What makes the benchmark again: only those variants, with the settings that were changed."""
    from sepmodels.systems.variants import variants_of

    parts = ["sepbench", "run", "-p", profile.name]
    if profile.dataset.layout != "demo":
        parts += ["--dataset", "DIR"]
    if set(trained) != set(variants_of(profile)):
        parts += [part for name in trained for part in ("--only", name)]
    for name, text in profile.changed_settings:
        if name == "test_sets":
            parts += [part for one in other_test_sets(profile) for part in ("--also", replace(one, folder="DIR").text)]
        elif name != "dataset.folder":  # which is another one elsewhere
            parts += ["--set", f"{name}={text}"]
    return shlex.join(parts)


def _sounds(job: Job) -> Sounds:
    """Any system's estimates of a test track; of a trained one, by the model of the first seed."""
    systems = {one.name: one for one in job.systems}

    def sounds(name: str, track: str):
        return signals(job.paths, systems[name], systems[name].seeds_of(job.profile.seeds)[0], track)

    return sounds


def _silent(job: Job, seeds: Mapping[str, int]) -> set[tuple[str, str]]:
    """The systems and test tracks of which there is no estimate, though the system has others."""
    tracks = pd.read_parquet(job.paths.tracks)
    names = tracks.name[tracks.split == "test"]
    return {
        (name, track)
        for name, seed in seeds.items()
        for track in names
        if not job.paths.estimate(name, seed, track).exists()
    }


def _separations(paths: Paths, names: Iterable[str]) -> pd.DataFrame:
    """What each separation of a test track took, by system and seed."""
    files = (paths.separation_figures(name) for name in names)
    tables = [pd.read_parquet(file).assign(variant=file.parent.name) for file in files if file.exists()]
    columns = ["variant", "seed", "device", "processor_seconds", "audio_seconds"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def make_report(job: Job) -> Made:
    """The site with the table, the figures and the players, which opens from disk."""
    from assets.making.report import materials
    from sepmodels.report.site import OWN_FOLDERS, write_site

    made = materials(job)
    places = {name: job.paths.report / name if name else job.paths.report for name in made}
    contents = [write_site(one, places[name], progress=job.progress) for name, one in made.items()]
    remove_all_but(job.paths.report, {*made, *OWN_FOLDERS})
    content = contents[0] if len(contents) == 1 else hash_texts(contents)
    files = [path for path in job.paths.report.rglob("*") if path.is_file()]
    return Made(content, {"files": len(files), "bytes": sum(path.stat().st_size for path in files)})
