"""The table of all systems, and the report."""

import itertools
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd

from assets.job import Job, Made
from assets.making.cost import costs
from assets.making.measures import measured_of
from assets.making.other_music import clips, copies, jobs_on, not_given, remove_all_but, stale_on
from assets.paths import Paths
from sepmodels.files import hash_texts, replacing
from sepmodels.report.how_made import Origin
from sepmodels.results.results import Results
from sepmodels.results.system_figures import figures_of_separations, figures_of_trainings
from sepmodels.settings import TrainingSettings, changed
from sepmodels.systems.system import System
from sepmodels.systems.variants import BASELINE, Variant

MEASURED = "measures"  # a file in the folder of results
ACROSS, BY_DATASET = "across", "by_dataset"  # files in the folder of results: all test sets side by side, and joined
SUFFIXES = (".parquet", ".csv")


def make_table(job: Job) -> Made:
    """Sum up the scores of all systems in one table, with what each change brought; so of each other test set."""
    known = job.origins()
    accepted = tuple(f"{one.asset} was {one.accepted}" for one in known if one.accepted)
    more = (*_left_in_the_old_place(job.paths), *accepted)
    if changed(job.profile, "scoring_rate"):
        more = (*more, *_rates(job))
    own = _summed_up(job, known, stale_systems(known), job.profile.name, more, figures=system_figures(job))
    others = _elsewhere(job, known)
    beside, contents = _write_elsewhere(job, own, others)
    contents = [*_write_table(job, own, beside), *contents]
    tracks = int(scores_of(job).track.nunique())
    return Made(
        hash_texts(contents), {"systems": len(scored(job)), "tracks": tracks, "missing": ", ".join(own.missing)}
    )


def _summed_up(
    job: Job,
    known: Sequence[Origin],
    stale: Mapping[str, str],
    dataset: str,
    more: Sequence[str],
    figures: pd.DataFrame | None = None,
) -> Results:
    """The scores that there are on the test set of the job, summed up.

    known: where products came from. stale: why systems are not up to date. dataset: what the set is called. more: notes
    that the scores do not give. figures: beside the scores.
    """
    from sepmodels.results.table import make_results

    found = scored(job)
    results = make_results(
        scores_of(job),
        job.systems,
        baseline=baseline_of(found),
        figures=figures,
        trainings=with_terms(trainings(job.paths, [one.name for one in found]), known, job.systems),
        stale=stale,
        dataset=dataset,
        by=job.profile.statistics_by,
    )
    return replace(results, notes=(*results.notes, *more), shared_notes=(*results.shared_notes, *more))


def _write_table(job: Job, results: Results, beside: str = "") -> list[str]:
    """Write the table and what it says; gives all that decides it, as text.

    beside: what follows on its page.
    """
    from sepmodels.results.before import keep_before, terms_of
    from sepmodels.results.writing import write_results

    keep_before(job.paths.results, results.summary, terms_of(scores_of(job), _budget(job.profile.training)))
    page, measured = _write_measured(job)
    write_results(results, job.paths.results, "\n".join(text for text in (page, beside) if text))
    said = {
        "scenario": results.scenario,
        "sentences": results.sentences,
        "notes": list(results.notes),
        "shared_notes": list(results.shared_notes),
        "missing": list(results.missing),
    }
    with replacing(job.paths.results / "said.json") as temporary:
        temporary.write_text(json.dumps(said, indent=1), encoding="utf-8")
    untimed = results.summary.drop(columns=list(results.figures))  # two runs that did the same never took as long
    tables = (scores_of(job), untimed, results.comparisons, results.control, results.by_seed, results.published)
    return [*(table.to_csv(index=False) for table in tables), json.dumps(said), *measured]


def _budget(training: TrainingSettings) -> str:
    """All that bounds a training."""
    limits = {"patience": training.patience, "minutes": training.minutes, "chunks_per_track": training.chunks_per_track}
    return f"{training.budget()}; {limits}"


def _write_measured(job: Job) -> tuple[str, list[str]]:
    """Write the table of the measures beside BSSEval; gives what it adds to the page, and all that decides it, as text.

    Nothing where the profile has none; a table of an earlier run is then removed.
    """
    rows = measured_of(job)
    if rows.empty:
        for suffix in SUFFIXES:
            (job.paths.results / f"{MEASURED}{suffix}").unlink(missing_ok=True)
        return "", []
    from sepmodels.results.measured import measured_markdown, summed_up

    name = getattr(job.paths, "test_set", "")  # by the class itself, where products lie would count for the table
    on = f"/{name}" if name else ""
    stale = stale_systems(job.origins(), ("checkpoint", f"estimates{on}", f"measures{on}"))
    found = summed_up(rows, job.systems, baseline_of(scored(job)), stale, job.profile.statistics_by)
    _write_tables(job.paths.results / MEASURED, found)
    return measured_markdown(found), [rows.to_csv(index=False), found.to_csv(index=False)]


def _elsewhere(job: Job, known: Sequence[Origin]) -> dict[str, tuple[Job, Results]]:
    """By the name of each other test set that has scores: the job on it, and its scores summed up."""
    found = {}
    for one, on in jobs_on(job):
        words = f"{one.name}, by models that learnt from {job.profile.name}"
        names = set(scores_of(on).track)
        more = (*_rates(on), *clips(on, names), *copies(on, names), *not_given(job.systems, on, one.name))
        found[one.name] = on, _summed_up(on, known, stale_on(known, one.name), words, more)
    return found


def _write_elsewhere(job: Job, own: Results, others: Mapping[str, tuple[Job, Results]]) -> tuple[str, list[str]]:
    """Write the tables of the other test sets, and all side by side.

    Gives what follows on the page of the profile's own table, and all that decides these tables, as text; nothing where
    there are no other sets, of which folders and files are then removed.
    """
    from sepmodels.results.across import across_markdown, joined, side_by_side

    folder = job.paths.results
    remove_all_but(folder, others)
    if not others:
        for name, suffix in itertools.product((ACROSS, BY_DATASET), SUFFIXES):
            (folder / f"{name}{suffix}").unlink(missing_ok=True)
        return "", []
    contents = [text for on, results in others.values() for text in _write_table(on, results)]
    every = {job.profile.name: own} | {name: results for name, (_, results) in others.items()}
    across = side_by_side(every)
    _write_tables(folder / ACROSS, across)
    _write_tables(folder / BY_DATASET, joined({name: one.summary for name, one in every.items()}))
    pages = {name: (on.paths.results / "results.md").read_text(encoding="utf-8") for name, (on, _) in others.items()}
    page = across_markdown(across, own.baseline_title, pages, job.profile.target)
    return page, [*contents, across.to_csv(index=False)]


def _write_tables(place: Path, table: pd.DataFrame) -> None:
    for suffix, write in zip(SUFFIXES, (table.to_parquet, table.to_csv), strict=True):
        with replacing(place.with_name(place.name + suffix)) as temporary:
            write(temporary, index=False)


def scores_of(job: Job) -> pd.DataFrame:
    """The scores of all systems on the test set of the job."""
    return pd.concat([pd.read_parquet(job.paths.scores(one.name)) for one in scored(job)], ignore_index=True)


def _left_in_the_old_place(paths: Paths) -> tuple[str, ...]:
    """A sentence on scores that were put where nothing reads them any more."""
    folders = [entry.name for entry in paths.imported.iterdir() if entry.is_dir()] if paths.imported.is_dir() else []
    if not folders:
        return ()
    return (
        f"The scores in {paths.imported} ({', '.join(sorted(folders))}) are not in this table: add each with "
        "`sepbench add NAME --scores DIR`.",
    )


def _rates(job: Job) -> tuple[str, ...]:
    """Sentences on the rates at which the job's test tracks were scored, where any is below the usual one."""
    from sepmodels.dataset.rates import rates_sentence, scored_rates_hz

    names = set(scores_of(job).track)
    rates_hz = (rate for name, rate in scored_rates_hz(job.paths.tracks).items() if name in names)
    if not (found := rates_sentence(rates_hz, "files")):
        return ()
    given = [one.title for one in scored(job) if not one.scored_here]
    apart = f"{', '.join(given)}: scored elsewhere, at a rate that is not known here; ISR depends on it most."
    return (found, apart) if given else (found,)


def scored(job: Job) -> list[System]:
    """The systems of the benchmark that have scores."""
    return [one for one in job.systems if job.paths.scores(one.name).exists()]


def trainings(paths: Paths, names: Iterable[str]) -> pd.DataFrame:
    """What is known of every training of these systems: a row each, by the names of its report's fields."""
    files = (paths.training_figures(name) for name in names)
    tables = [pd.read_parquet(file).assign(variant=file.parent.name) for file in files if file.exists()]
    return (
        pd.concat(tables, ignore_index=True)
        if tables
        else pd.DataFrame(columns=["variant", "seed", "seconds", "steps", "device"])
    )


def with_terms(trainings: pd.DataFrame, known: Iterable[Origin], systems: Iterable[System]) -> pd.DataFrame:
    """The table of trainings with the settings, the data and the code that each was made with, as far as known.

    What belongs to a variant's own recipe is left out: it is what is compared.
    """
    own = {one.name: _own_settings(one) for one in systems}
    made = {one.asset.removesuffix("/checkpoint"): one for one in known if one.asset.endswith("/checkpoint")}
    names = {name for one in made.values() for name in one.settings} - {"training.precision"}  # is there already
    rows = {
        system: {
            **{name: _setting(one, name) for name in sorted(names - own.get(system, frozenset()))},
            "data": one.data[:8],
            "code": "with uncommitted edits" if one.edited else "as committed",
        }
        for system, one in made.items()
        if one.settings
    }
    told = trainings.join(pd.DataFrame.from_dict(rows, orient="index"), on="variant") if rows else trainings
    searched = trials_of(systems)
    return told.assign(trials=told.variant.map(searched).map(str)) if searched else told


def trials_of(systems: Iterable[System]) -> dict[str, int]:
    """How many trials of a sweep the entry of each variant had; nothing where none had any."""
    trials = {one.name: one.trials for one in systems if isinstance(one, Variant)}
    return trials if any(trials.values()) else {}


def _own_settings(system: System) -> frozenset[str]:
    """The settings of a training that belong to a variant's own recipe; with longer chunks, a batch has fewer."""
    own = set(system.training or ()) if isinstance(system, Variant) else set()
    return frozenset(f"training.{name}" for name in (own | {"batch"} if "chunk_seconds" in own else own))


def _setting(one: Origin, name: str) -> str | None:
    """A setting's value in JSON as people read it; None where the training was made before there was the setting."""
    before = {f"training.{entry.name}": entry.metadata.get("as_before") for entry in fields(TrainingSettings)}
    text = one.settings.get(name)
    if text is None:
        return before.get(name)
    return "none" if text == "null" else text.strip('"')


def stale_systems(
    known: Iterable[Origin], parts: Collection[str] = ("checkpoint", "estimates", "scores")
) -> dict[str, str]:
    """Of each system whose chain is not up to date, why: the reason that stands first in it."""
    found: dict[str, str] = {}
    for one in known:
        system, _, part = one.asset.partition("/")
        if one.stale and part in parts:
            found.setdefault(system, one.stale.rstrip("."))
    return found


def system_figures(job: Job) -> pd.DataFrame:
    """What is known of each system beside its scores: its size, its training, its speed.

    What separating costs is there where it was measured as the system is now (:mod:`assets.making.cost`).
    """
    rows: dict[str, dict[str, float]] = {one.name: {} for one in job.systems}
    for name, row in rows.items():
        if (path := job.paths.training_figures(name)).exists():
            row.update(figures_of_trainings(pd.read_parquet(path), job.profile.training.processes))
        if (path := job.paths.separation_figures(name)).exists():
            row.update(figures_of_separations(pd.read_parquet(path)))
    for name, trials in trials_of(job.systems).items():
        rows[name]["trials of a sweep"] = float(trials)
    known = pd.DataFrame.from_dict(rows, orient="index")
    return known.join(costs(job.profile, job.paths, {one.name: one for one in job.systems}))


def baseline_of(found: Sequence[System]) -> str:
    """The system that the others are compared with: the first of those that are there, where it is missing."""
    names = [one.name for one in found]
    return BASELINE if BASELINE in names else names[0]
