"""The table, the side by side and the claims on the test sets beside the profile's own."""

import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from assets.job import Job
from assets.other_test_sets import paths_on, seen_on, systems_on
from sepmodels.dataset.other_test_sets import TestSet, other_test_sets
from sepmodels.report.how_made import Origin
from sepmodels.systems.system import System


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
        f"{one.title} is not given for {name}: put what there is of it for that set into {one.given_for(name)}."
        if one.on(name) is None
        else f"{one.title} is not made on {name}: it is made from a system that is not given for it."
        for one in systems
        if one.name not in there
    )


def clips(on: Job, names: Collection[str]) -> Iterator[str]:
    """A sentence where clips of one singer count as several samples: their names tell the singer, but no artist."""
    from sepmodels.dataset.karaoke import singer
    from sepmodels.results.artists import samples_of

    singers = {singer(name) for name in names}
    samples = set(samples_of(sorted(names), on.profile.statistics_by).tolist())
    if on.profile.dataset.voice_channel != "none" and len(singers) < len(samples):
        yield (
            f"The {len(names)} tracks are clips of {len(singers)} singers. The test takes them for different songs, "
            "so it finds differences too easily; of other singers it says less than the intervals tell."
        )


def copies(on: Job, names: Collection[str]) -> Iterator[str]:
    """A sentence on each of these tracks that is also in the profile's dataset."""
    table = pd.read_parquet(on.paths.tracks)
    both = table[(table.copies != "") & table["name"].isin(names)]
    yield from (f"{row.name} is the same recording as {row.copies}." for row in both.itertuples(index=False))


def remove_all_but(folder: Path, names: Collection[str]) -> None:
    """Remove the folders of test sets that there are no more."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.is_dir() and entry.name not in names:
            shutil.rmtree(entry)
