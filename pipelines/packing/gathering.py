"""What goes into a pack, from a profile's data folder."""

import json
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from assets.graph import benchmark_subjects
from assets.job import Job
from assets.making.checkpoint import hash_weights, histories
from assets.making.report import command
from assets.making.table import baseline_of, scored, system_figures, trainings, with_terms
from assets.paths import PROJECT, Paths, is_checkout
from assets.staleness.last_made import PARTS, RECORDS, LastMade, last_made
from assets.staleness.standing import asset_name, standings
from assets.tracking.edits import can_be_applied, code_edits
from assets.tracking.kept_edits import kept_edits
from assets.tracking.origins import origins
from assets.tracking.provenance import git_state
from pipelines.packing.own_music import goes_along, of_other_music, own_pages, placeless
from pipelines.setting_values import FOLDER_SETTING
from sepmodels.dataset.public.archives import LICENCE
from sepmodels.errors import UserError
from sepmodels.files import hash_file
from sepmodels.packing import parts as named
from sepmodels.packing.container import as_json, as_parquet
from sepmodels.packing.describing import citation, crate
from sepmodels.packing.facts import FACTS, FORMAT, Facts, facts_of_system
from sepmodels.progress import Progress, silent
from sepmodels.report import WANTED
from sepmodels.report.how_made import Origin, settings_table
from sepmodels.results.table import make_results
from sepmodels.settings import Profile

Sources = dict[str, bytes | Path]
RESULT_FILES = ("results.md", "said.json", *(f"{name}.{form}" for name in named.TABLES for form in ("parquet", "csv")))
CLAIM_FILES = ("claims.parquet", "claims.csv", "claims.md")
OWN_STEMS = "The sounds are made from a person's own stems: ask whoever made this pack what may be done with them."
DEMO_SONGS = "The songs are made by sepbench itself: its licence, MIT."


@dataclass(frozen=True)
class Wishes:
    """What a person asks of a pack.

    title, authors, licence: for citing it; licence is an SPDX identifier. models, sounds: whether trained models, and
    the report's sounds with the estimates of its tracks, are in it. report: whether the report is. hashes: whether
    models and estimates are hashed, which takes long where there are many.
    """

    title: str = ""
    authors: tuple[str, ...] = ()
    licence: str = ""
    models: bool = False
    sounds: bool = False
    report: bool = True
    hashes: bool = True


@dataclass(frozen=True)
class Known:
    """What Dagster and MLflow have recorded of the products.

    origins: where each came from. made: its last materialization. edits: the patch of the code that made it, of the
    trainings that edited code made.
    """

    origins: tuple[Origin, ...]
    made: Mapping[str, LastMade]
    edits: Mapping[str, str]


def recorded(job: Job, instance: dg.DagsterInstance, *, stale_too: bool = False) -> Known:
    """What is recorded of the products; nothing where there is no history of them.

    Raises UserError where some are not up to date, but for ``stale_too``.
    """
    subjects = benchmark_subjects(job.profile, job.paths, job.systems)
    keys = [one.key for one in subjects]
    made = last_made(keys, instance)
    if not made:
        return Known((), {}, {})
    found = standings(subjects, instance)
    behind = [one for one in found if one.state == "stale"]  # what waits for a system never made is as good as it was
    if behind and not stale_too:
        first, more = behind[0], len(behind) - 1
        others = f", and {more} more products are not" if more else ""
        raise UserError(
            f"{asset_name(first.key)} is not up to date ({first.reasons[0].rstrip('.')}){others}: a pack has what the "
            "code and the settings of today give. Run `sepbench run` first, or go back to the code that made them."
        )
    store = job.paths.data / "mlflow"
    known = tuple(origins(keys, instance, store, found))
    return Known(known, {asset_name(key): last for key, last in made.items()}, kept_edits(known, store))


def gather(job: Job, known: Known, wishes: Wishes, progress: Progress = silent) -> Sources:
    """All parts of a pack by name: bytes, or the file that holds them.

    job: of the benchmark to pack, with all its systems. known: of :func:`recorded`.

    Raises UserError where there is no table.
    """
    profile, paths, names = job.profile, job.paths, [one.name for one in job.systems]
    _require_results(profile, paths)
    found = scored(job)
    made = with_terms(trainings(paths, names), known.origins, job.systems)
    figures = system_figures(job).rename_axis("variant").reset_index()
    parts = _copied(paths, [one.name for one in found], wishes)
    parts |= own_pages(parts)
    parts[named.TRAININGS] = as_parquet(made)
    parts[named.SEPARATIONS] = as_parquet(_separations(paths, names))
    parts[named.CURVES] = as_parquet(histories(paths, names, profile.seeds))
    parts[named.FIGURES] = as_parquet(figures)
    parts[named.VERSIONS] = as_json(_versions(known, of_other_music(job)))
    edits = code_edits()
    if can_be_applied(edits):
        parts[named.EDITS] = edits.encode()
    parts |= {named.training_edits_name(patch): patch.encode() for patch in known.edits.values()}
    if wishes.hashes:
        parts[named.HASHES] = as_json(_hashes(job, progress))
    if wishes.models:
        parts |= {f"{named.MODELS}/{'/'.join(path.parts[-3:])}": path for path in _models(job)}
    if wishes.sounds:
        parts |= _estimates(job, [one.name for one in found])
        parts["LICENCE-of-the-sounds.txt"] = f"{sounds_licence(profile)}\n".encode()
    facts = _facts(job, wishes, known)
    parts[FACTS] = facts.as_json().encode()
    parts[named.CITATION] = citation(facts).encode()
    sizes = {name: source.stat().st_size if isinstance(source, Path) else len(source) for name, source in parts.items()}
    parts[named.CRATE] = crate(facts, sizes).encode()
    return parts


def sounds_licence(profile: Profile) -> str:
    """On what terms the dataset's sounds may be handed on."""
    if profile.dataset.layout == "demo":
        return DEMO_SONGS
    return LICENCE if profile.dataset.archive else OWN_STEMS


def _require_results(profile: Profile, paths: Paths) -> None:
    wanted = [*(paths.results / name for name in RESULT_FILES), *(paths.claims / name for name in CLAIM_FILES)]
    if absent := [path for path in (*wanted, paths.tracks) if not path.exists()]:
        raise UserError(
            f"There is no whole result of {profile.name} to pack: {absent[0]} is missing. Run "
            f"`{shlex.join(['sepbench', 'run', '-p', profile.name])}` first."
        )


def _copied(paths: Paths, systems: Iterable[str], wishes: Wishes) -> Sources:
    """The files that are packed as they lie there."""
    found: Sources = {named.TRACKS: paths.tracks}
    found |= {f"{named.RESULTS}/{name}": paths.results / name for name in RESULT_FILES}
    found |= {f"{named.CLAIMS}/{name}": paths.claims / name for name in CLAIM_FILES}
    for name in systems:
        found[f"{named.SCORES}/{name}.parquet"] = paths.scores(name)
        for folder in (paths.museval_files / name, *paths.museval_files.glob(f"{name}_seed_[0-9]*")):
            found |= _below(folder, f"{named.MUSEVAL}/{folder.name}", lambda path: path.suffix == ".json")
    if wishes.report:
        found |= _below(paths.report, named.REPORT, lambda path: goes_along(paths.report, path, sounds=wishes.sounds))
    return found


def _made(job: Job, pattern: str) -> list[Path]:
    """The files of that pattern of the systems and seeds of the table: others may lie there from an earlier one.

    pattern: below the data folder; its second part is a system's name, its third the seed's folder.
    """
    folders = {(one.name, f"seed_{seed}") for one in job.systems for seed in one.seeds_of(job.profile.seeds)}
    files = sorted(job.paths.root.glob(pattern))
    return [path for path in files if path.relative_to(job.paths.root).parts[1:3] in folders]


def _models(job: Job) -> list[Path]:
    return _made(job, "checkpoints/*/seed_*/model.safetensors")


def _below(folder: Path, prefix: str, wanted: Callable[[Path], bool]) -> Sources:
    """The files in a folder and further down that are wanted; none that is hidden or half written."""
    if not folder.is_dir():
        return {}
    files = (path for path in folder.rglob("*") if path.is_file() and wanted(path))
    relative = {path: path.relative_to(folder) for path in files}
    return {
        f"{prefix}/{name.as_posix()}": path
        for path, name in relative.items()
        if not any(part.startswith(".") for part in name.parts) and "under-way" not in name.parts
    }


def _estimates(job: Job, systems: Iterable[str]) -> Sources:
    """Each system's estimates of the shortest test tracks, which a verification can score again."""
    tracks = named.shortest_test_tracks(pd.read_parquet(job.paths.tracks))
    found: Sources = {}
    for name in systems:
        found |= {
            f"{named.ESTIMATES}/{'/'.join(file.relative_to(job.paths.root).parts[1:])}": file
            for file in _made(job, f"estimates/{name}/seed_*/*/{job.profile.target}.wav")
            if file.parent.name in tracks
        }
    return found


def _separations(paths: Paths, names: Iterable[str]) -> pd.DataFrame:
    """What each separation of a test track took."""
    files = (paths.separation_figures(name) for name in names)
    tables = [pd.read_parquet(file).assign(variant=file.parent.name) for file in files if file.exists()]
    columns = ["variant", "seed", "track", "device", "seconds", "processor_seconds", "audio_seconds"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _versions(known: Known, left_out: Collection[str]) -> dict[str, Any]:
    """Of every product but those: its code version with the parts, what it was made from, and its content's hash."""
    commits = {one.asset: one for one in known.origins}
    return {
        name: {
            "code_version": last.code_version,
            "parts": last.noted(PARTS),
            "content": last.data_version,
            "read": {"/".join(key.path[1:]): text for key, text in sorted(last.inputs.items())},
            "commit": commits[name].commit,
            "edited": commits[name].edited,
            "edits": named.training_edits_name(known.edits[name]) if name in known.edits else "",
            "accepted": commits[name].accepted,
            "first_steps": last.noted(RECORDS),
        }
        for name, last in known.made.items()
        if name not in left_out
    }


def _hashes(job: Job, progress: Progress) -> dict[str, dict[str, str]]:
    """SHA-256 of every model, of its weights alone, and of every estimate, in the pack or not."""
    files = [*_models(job), *_made(job, f"estimates/*/seed_*/*/{job.profile.target}.wav")]
    found: dict[str, dict[str, str]] = {named.MODELS: {}, named.WEIGHTS: {}, named.ESTIMATES: {}}
    for done, path in enumerate(files):
        progress(done, len(files), "file")
        kind = named.MODELS if path.suffix == ".safetensors" else named.ESTIMATES
        name = "/".join(path.relative_to(job.paths.root).parts[1:])
        found[kind][name] = hash_file(path)
        if kind == named.MODELS:
            found[named.WEIGHTS][name] = hash_weights(path)
    return found


def _facts(job: Job, wishes: Wishes, known: Known) -> Facts:
    profile, paths = job.profile, job.paths
    found = scored(job)
    git = git_state()
    made = next((one.made[:10] for one in known.origins if one.asset == "results"), "")
    lock = PROJECT / "requirements.lock"
    return Facts(
        format=FORMAT,
        sepbench=version("sepbench"),
        made=made or datetime.fromtimestamp((paths.results / "said.json").stat().st_mtime, UTC).strftime("%Y-%m-%d"),
        profile=profile.name,
        settings={name: text for name, text in settings_table(profile) if name != FOLDER_SETTING},
        changed={name: placeless(name, text) for name, text in profile.changed_settings if name != FOLDER_SETTING},
        systems=[facts_of_system(one) for one in found],
        missing=[facts_of_system(one) for one in job.systems if one not in found],
        baseline=baseline_of(found),
        processes=profile.training.processes,
        notes=_other_notes(job, known),
        commit=git.get("mlflow.source.git.commit", ""),
        edited=can_be_applied(code_edits()),
        lock=hash_file(lock) if is_checkout() and lock.exists() else "",
        command=command(profile, [one.name for one in found if one.seeded]),
        title=wishes.title or f"{WANTED[profile.target]['title']} on {profile.name}: scores of {len(found)} systems",
        authors=list(wishes.authors),
        licence=wishes.licence,
        sounds_licence=sounds_licence(profile) if wishes.sounds else "",
    )


def _other_notes(job: Job, known: Known) -> list[str]:
    """The notes below the table that its numbers do not give: what was accepted, what was left out."""
    found = scored(job)
    said = json.loads((job.paths.results / "said.json").read_text(encoding="utf-8"))["notes"]
    scores = pd.concat([pd.read_parquet(job.paths.scores(one.name)) for one in found], ignore_index=True)
    made = with_terms(trainings(job.paths, [one.name for one in found]), known.origins, job.systems)
    again = make_results(
        scores,
        job.systems,
        baseline=baseline_of(found),
        figures=system_figures(job),
        trainings=made,
        by=job.profile.statistics_by,
    )
    return list(said[len(again.notes) :])
