"""The table, the side by side and the claims on the test sets beside the profile's own."""

import itertools
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from assets.job import Job
from assets.making.table import rates, scores_of, summed_up, write_table
from assets.other_test_sets import paths_on, seen_on, systems_on
from sepmodels.dataset.other_test_sets import TestSet, other_test_sets
from sepmodels.files import replacing
from sepmodels.report.how_made import Origin
from sepmodels.results.results import Results
from sepmodels.systems.system import System

ACROSS, BY_DATASET = "across", "by_dataset"  # files in the folder of results: all test sets side by side, and joined
SUFFIXES = (".parquet", ".csv")


def jobs_on(job: Job) -> Iterator[tuple[TestSet, Job]]:
    """Each test set of which there are scores, and the job as a step on that set has it."""
    for one in other_test_sets(job.profile):
        on = replace(
            job,
            profile=seen_on(job.profile, one),
            paths=paths_on(job.paths, one),
            systems=systems_on(job.systems, one.name),
        )
        if any(on.paths.scores(system.name).exists() for system in on.systems):
            yield one, on


def stale_on(known: Sequence[Origin], name: str) -> dict[str, str]:
    """Of each system whose chain up to its scores on that set is not up to date, why."""
    found: dict[str, str] = {}
    parts = ("checkpoint", f"estimates/{name}", f"scores/{name}")
    for one in known:
        system, _, part = one.asset.partition("/")
        if one.stale and part in parts:
            found.setdefault(system, one.stale.rstrip("."))
    return found


def not_given(systems: Sequence[System], on: Job, name: str) -> tuple[str, ...]:
    """A sentence on each system of which nothing was given for the set."""
    there = {one.name for one in on.systems}
    return tuple(
        f"{one.title} is not given for {name}: put its files for that set into a folder {name} below its others."
        if one.on(name) is None
        else f"{one.title} is not made on {name}: it is made from a system that is not given for it."
        for one in systems
        if one.name not in there
    )


def summed_up_elsewhere(job: Job, known: Sequence[Origin]) -> dict[str, tuple[Job, Results]]:
    """By the name of each other test set that has scores: the job on it, and its scores summed up."""
    found = {}
    for one, on in jobs_on(job):
        words = f"{one.name}, by models that learnt from {job.profile.name}"
        more = (*rates(on), *_copies(on), *not_given(job.systems, on, one.name))
        found[one.name] = on, summed_up(on, known, stale_on(known, one.name), words, more)
    return found


def _copies(on: Job) -> Iterator[str]:
    """A sentence on each scored track that is also in the profile's dataset."""
    table = pd.read_parquet(on.paths.tracks)
    copies = table[(table.copies != "") & table["name"].isin(set(scores_of(on).track))]
    yield from (f"{row.name} is the same recording as {row.copies}." for row in copies.itertuples(index=False))


def write_elsewhere(job: Job, own: Results, others: Mapping[str, tuple[Job, Results]]) -> tuple[str, list[str]]:
    """Write the tables of the other test sets, and all side by side.

    Gives what follows on the page of the profile's own table, and all that decides these tables, as text; nothing where
    there are no other sets, of which folders and files are then removed.
    """
    from sepmodels.results.across import across_markdown, joined, side_by_side
    from sepmodels.results.markdown import results_markdown

    folder = job.paths.results
    remove_all_but(folder, others)
    if not others:
        for name, suffix in itertools.product((ACROSS, BY_DATASET), SUFFIXES):
            (folder / f"{name}{suffix}").unlink(missing_ok=True)
        return "", []
    contents = [text for on, results in others.values() for text in write_table(on, results)]
    every = {job.profile.name: own} | {name: results for name, (_, results) in others.items()}
    across = side_by_side(every)
    _write_tables(folder / ACROSS, across)
    _write_tables(folder / BY_DATASET, joined({name: one.summary for name, one in every.items()}))
    pages = {name: results_markdown(results) for name, (_, results) in others.items()}
    return across_markdown(across, own.baseline_title, pages), [*contents, across.to_csv(index=False)]


def _write_tables(place: Path, table: pd.DataFrame) -> None:
    for suffix, write in zip(SUFFIXES, (table.to_parquet, table.to_csv), strict=True):
        with replacing(place.with_name(place.name + suffix)) as temporary:
            write(temporary, index=False)


def remove_all_but(folder: Path, names: Collection[str]) -> None:
    """Remove the folders of test sets that there are no more."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.is_dir() and entry.name not in names:
            shutil.rmtree(entry)
