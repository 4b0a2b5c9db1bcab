"""``sepbench stale``: what is not up to date, why, and how long it takes to make again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from assets.paths import Paths
from pipelines.options import advised
from sepmodels.settings import Profile
from sepmodels.systems import systems_of
from sepmodels.systems.variants import Variant, own_training

if TYPE_CHECKING:
    from dagster import AssetKey

    from assets.staleness.acceptance import Acceptance
    from assets.staleness.last_made import LastMade
    from assets.staleness.standing import Standing, Subject

STATES = {
    "fresh": "[green]fresh[/]",
    "stale": "[yellow]stale[/]",
    "waiting": "[yellow]waits[/]",
    "never": "[red]never made[/]",
}
SHARED = {"dataset": "data", "tracks": "data", "stems": "data", "statistics": "data"}  # first parts of keys


@dataclass(frozen=True)
class Line:
    """A product as it is listed: its system, its name there, how it stands.

    seconds: that making it takes, by the last time; of a training without the seeds that are trained already.
    """

    system: str
    name: str
    standing: Standing
    seconds: float | None
    accepted: Sequence[Acceptance]


def show_standings(
    profile: Profile, paths: Paths, console: Console, *, only: Iterable[str] = (), everything: bool = False
) -> bool:
    """Print what is not fresh, by system, with the reason; gives whether all is.

    only: leave out the chains of all variants but these. everything: what is fresh, and all reasons, too.
    """
    from assets.staleness.acceptance import in_one_sentence

    lines = list(_lines(profile, paths, only))
    behind = [line for line in lines if line.standing.state != "fresh"]
    if behind:
        console.print(f"{len(behind)} of {len(lines)} products of {profile.name} are not up to date.", highlight=False)
    else:
        console.print(f"Everything of {profile.name} is up to date.", highlight=False)
    for system, listed in groupby(lines if everything else behind, lambda line: line.system):
        console.print(f"\n[bold]{escape(system)}[/]", highlight=False)
        for text in _listing(listed, everything=everything):
            console.print(text, highlight=False, soft_wrap=True)
    accepted = [line for line in lines if line.accepted]
    if accepted:
        console.print("\n[bold]Accepted without being made again[/]", highlight=False)
    for line in accepted:
        words = escape(in_one_sentence(line.accepted))
        console.print(f"  {line.system} {line.name}: {words}", highlight=False, soft_wrap=True)
    if behind:
        console.print(
            f"\n{_outlook(behind)}`{escape(advised('run', profile, *_only(only)))}` makes it.",
            soft_wrap=True,
            highlight=False,
        )
    return not behind


def _only(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield from ("--only", name)


def standings_as_json(profile: Profile, paths: Paths) -> str:
    """A list with an object for each product, in the order in which they are made.

    system and name: as the list in words has them. state: fresh, stale, waiting or never. reasons: sentences. seconds:
    that making it takes, or null. accepted: the sentence of an acceptance, or "".
    """
    from assets.staleness.acceptance import in_one_sentence

    return json.dumps(
        [
            {
                "system": line.system,
                "name": line.name,
                "state": line.standing.state,
                "reasons": list(line.standing.reasons),
                "seconds": line.seconds,
                "accepted": in_one_sentence(line.accepted),
            }
            for line in _lines(profile, paths)
        ]
    )


def _lines(profile: Profile, paths: Paths, only: Iterable[str] = ()) -> Iterator[Line]:
    from assets.staleness.durations import seconds_to_make
    from assets.staleness.last_made import last_made
    from pipelines.graph.instance import history
    from pipelines.graph.selection import select, standing, to_make

    stands, chosen = standing(profile, paths), set(select(profile, paths, only))
    made = to_make(stands, chosen)
    found = [_among(one, made) for _, one in stands if one.key.to_user_string() in chosen]
    with history(paths.data) as instance:
        made = last_made([one.key for one in found], instance)
        seconds = seconds_to_make(made, instance)
    stale = [subject for subject, one in stands if one.state == "stale" and subject.key in seconds]
    seconds |= _seconds_of_trainings(profile, paths, stale, made, seconds)
    for one in found:
        first, *rest = one.key.path[1:]
        system = SHARED.get(first, first if rest else "results")
        name = "/".join(rest if rest and system == first else [first, *rest])
        accepted = made[one.key].acceptances if one.key in made else []
        yield Line(system, name, one, seconds.get(one.key), accepted)


def _seconds_of_trainings(
    profile: Profile,
    paths: Paths,
    stale: Iterable[Subject],
    made: Mapping[AssetKey, LastMade],
    seconds: Mapping[AssetKey, float],
) -> dict[AssetKey, float]:
    """How long those of the stale products take that are trainings: a seed that is trained already takes no time."""
    from assets.job import Job
    from assets.making.trained_seeds import material_of, seeds_to_train
    from assets.staleness.acceptance import versions_accepted
    from assets.staleness.durations import kind_of, seeds_made

    trainings = [one for one in stale if kind_of(one.key) == "checkpoint"]
    systems = {one.name: one for one in systems_of(profile, paths.systems)} if trainings else {}
    material = material_of(paths) if trainings else None
    found = {}
    for one in trainings:
        last, system = made[one.key], systems[one.key.path[1]]
        assert isinstance(system, Variant)
        job = Job(
            replace(profile, training=own_training(system, profile.training)),
            paths,
            system,
            code_version=one.seedless,
            accepted_versions=versions_accepted(last.acceptances, one.seedless),
        )
        left = len(seeds_to_train(job, material))
        found[one.key] = seconds[one.key] * left / seeds_made(last.metadata)
    return found


def _among(one: Standing, made: Sequence[str]) -> Standing:
    """The standing where only these are to be made: what waits for others alone is left as it is."""
    waits_for_others = one.state == "waiting" and one.key.to_user_string() not in made
    return replace(one, state="fresh", reasons=()) if waits_for_others else one


def _listing(lines: Iterable[Line], *, everything: bool) -> Iterator[str]:
    """A line for each product, or for several that stand alike, and its reason on a line of its own."""
    alike = groupby(lines, lambda line: (line.standing.state, line.standing.reasons, line.seconds if everything else 0))
    for (state, reasons, _), group in alike:
        same = list(group)
        names = ", ".join(escape(line.name) for line in same)
        yield f"  {names}  {STATES[state]}{_time(same) if state == 'stale' else ''}"
        if state == "never":
            continue
        shown = reasons if everything else reasons[:1]
        more = len(reasons) - len(shown)
        for reason in shown:
            yield f"    {escape(reason.rstrip('.'))}{f', and {more} more (--all)' if more else ''}"


def _time(lines: Sequence[Line]) -> str:
    from assets.runtime.going import duration

    known = [line.seconds for line in lines if line.seconds is not None]
    return f", {duration(sum(known))} to make again" if len(known) == len(lines) else ""


def _outlook(behind: Sequence[Line]) -> str:
    """How long it takes to make all of it, as far as it has been made before."""
    from assets.runtime.going import duration

    stale = [line.seconds for line in behind if line.standing.state == "stale" and line.seconds is not None]
    waiting = [line.seconds for line in behind if line.standing.state == "waiting" and line.seconds is not None]
    if not stale:
        return ""
    words = f"About {duration(sum(stale))} to make what is stale"
    return words + (f", up to {duration(sum(stale + waiting))} with what waits for it. " if waiting else ". ")
