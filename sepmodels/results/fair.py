"""Which rows may be ranked beside each other: those over the same tracks, none of which the system has learnt from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from sepmodels.results.bootstrap import per_track
from sepmodels.results.per_track import TrackTable
from sepmodels.systems.added import Added
from sepmodels.systems.system import System
from sepmodels.systems.track_names import match_names


def learnt_tracks(systems: Iterable[System]) -> dict[str, list[str]]:
    """For each system the names of tracks that it has learnt from, itself or by a system that it is made of."""
    known = {one.name: one for one in systems}

    def of(name: str) -> frozenset[str]:
        one = known.get(name)
        if not isinstance(one, Added):
            return frozenset()
        return frozenset(one.trained_on_tracks).union(*map(of, one.needs))

    return {name: sorted(of(name)) for name in known}


def remark(system: System, learnt: Sequence[str], tracks: Sequence[str], counts: Mapping[str, int]) -> str:
    """Why a system's row is no fair comparison, as the table says it beside its name; empty where it is one.

    learnt: the tracks that it has learnt from, of :func:`learnt_tracks`. tracks: the test tracks. counts: of
    :meth:`sepmodels.results.per_track.TrackTable.counts`.
    """
    if not isinstance(system, Added):
        return ""
    seen = len(match_names(learnt, tracks)[0])
    parts = [f"has seen {seen} of {len(tracks)} test tracks"] if seen else []
    if counts["missing_tracks"]:
        parts.append(f"{counts['tracks']} of {len(tracks)} tracks")
    return ", ".join(parts)


def place(system: System, said: str) -> str:
    """Where a row stands: apart, where there is a remark on a system that would be ranked."""
    return "apart" if said and system.place == "ranked" else system.place


def fairness_notes(systems: Iterable[System], learnt: Mapping[str, Sequence[str]], table: TrackTable) -> Iterator[str]:
    """Sentences on systems that have learnt from test tracks, or whose learning is unknown."""
    unknown = []
    for one in systems:
        if not isinstance(one, Added):
            continue
        seen = len(match_names(learnt[one.name], table.tracks)[0])
        if seen:
            yield (
                f"{one.title} has seen {seen} of the {len(table.tracks)} test tracks: on these its scores are no "
                "measure of how it separates other songs."
            )
        elif one.learns and not any(one.learnt_from):
            unknown.append(one.title)
    if unknown:
        yield f"What {_listed(unknown)} learnt from is unknown; it may be test tracks (`--trained-on` says it)."


def shared_tracks_notes(systems: Iterable[System], table: TrackTable, baseline: System) -> Iterator[str]:
    """For each system that lacks tracks, its median and the baseline's over the tracks that it has."""
    for one in systems:
        if isinstance(one, Added):
            yield from _shared(one, baseline, table)


def _shared(system: System, baseline: System, table: TrackTable) -> Iterator[str]:
    own, other = (per_track(table.values(one.name, table.target, "SDR")) for one in (system, baseline))
    shared = np.isfinite(own) & np.isfinite(other)
    count = int(shared.sum())
    if 0 < count < int(np.isfinite(other).sum()):
        ours, theirs = float(np.median(other[shared])), float(np.median(own[shared]))
        yield (
            f"On the {count} of {len(table.tracks)} tracks that {system.title} has, its median SDR of "
            f"{table.target} is {theirs:.2f} dB, and that of {baseline.title} {ours:.2f} dB: only these can be "
            "compared."
        )


def _listed(titles: Sequence[str]) -> str:
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if len(titles) > 1 else titles)
