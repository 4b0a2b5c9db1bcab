"""Several packs of one benchmark, whose trainings have other seeds, as one: the table of all their trainings.

The results are made again from the joined scores by the functions that make them where all is trained in one place, so
that they are the same.
"""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sepmodels.errors import UserError
from sepmodels.packing.again import figures_again
from sepmodels.packing.facts import Facts
from sepmodels.packing.parts import TRACKS, Packed
from sepmodels.packing.two_packs import other_data
from sepmodels.results.artists import BY_DEFAULT

_OF_A_TRAINING = ["variant", "seed"]
_ROW = ["track", "target", "metric", "window"]
_NOTEWORTHY_DB = 0.005  # the table shows two decimals


@dataclass(frozen=True)
class Joined:
    """The tables of several packs as one (:class:`sepmodels.packing.again.Tables`).

    sources: the name of each pack's file, by the pack's hash.
    """

    facts: Facts
    scores: pd.DataFrame
    trainings: pd.DataFrame
    separations: pd.DataFrame
    curves: pd.DataFrame
    figures: pd.DataFrame
    claims: pd.DataFrame
    tracks: bytes
    sources: Mapping[str, str]


def join(packs: Sequence[Packed]) -> Joined:
    """The packs as one. A training that two of them have counts once.

    Raises UserError where packs are of other profiles or tracks, or have one training with two results.
    """
    first = packs[0]
    for other in packs[1:]:
        _require_same_benchmark(first, other)
    known: set[tuple[Any, ...]] = set()
    scores: list[pd.DataFrame] = []
    notes: list[str] = []
    for packed in packs:
        own = packed.scores.groupby(_OF_A_TRAINING, sort=False)
        for key, rows in own:
            if key in known:
                notes += _repeated(key, rows, scores, packed)
            else:
                known.add(key)
                scores.append(rows)
    facts = _facts(packs, [*dict.fromkeys(notes)])
    order = [one.name for one in facts.scored]
    joined = Joined(
        facts=facts,
        scores=_in_order(pd.concat(scores, ignore_index=True), order, ["seed"]),
        trainings=_with_all_seeds(_once([packed.trainings for packed in packs], order)),
        separations=_once([packed.separations for packed in packs], order),
        curves=_once([packed.curves for packed in packs], order),
        figures=pd.DataFrame(),
        claims=_distinct([packed.claims for packed in packs], "claim"),
        tracks=first.pack.read(TRACKS),
        sources={packed.pack.hash: packed.pack.file.name for packed in packs},
    )
    return replace(joined, figures=_figures([packed.figures for packed in packs], joined))


def _require_same_benchmark(first: Packed, other: Packed) -> None:
    files = f"{first.pack.file} and {other.pack.file}"
    for what in ("profile", "baseline"):
        one, two = getattr(first.facts, what), getattr(other.facts, what)
        if one != two:
            raise UserError(f"{files} cannot be joined: the {what} is {one} in the first, and {two} in the second.")
    if differing := next(iter(other_data(first, other)), ""):
        raise UserError(f"{files} cannot be joined: {differing}. Train all seeds on the same tracks.")


def _repeated(key: tuple[Any, ...], rows: pd.DataFrame, before: Iterable[pd.DataFrame], packed: Packed) -> list[str]:
    """What is to be said of scores that an earlier pack has, too."""
    name, seed = key
    there = next(one for one in before if (one.variant.iloc[0], one.seed.iloc[0]) == key)
    both = there.merge(rows, on=_ROW, how="outer", suffixes=("_before", "_now"))
    apart = np.abs(both.value_before - both.value_now).max() if len(both) == len(there) == len(rows) else np.inf
    if not apart > _NOTEWORTHY_DB:
        return []
    one = next(one for one in packed.facts.scored if one.name == name)
    if one.seeded:
        raise UserError(
            f"{packed.pack.file} cannot be joined: another pack has seed {seed} of {one.title} with other scores. Give "
            "each machine its own seeds (`--set seeds=...`)."
        )
    return [f"{one.title} scores otherwise in {packed.pack.file.name}: its scores here are those of the pack before."]


def _facts(packs: Sequence[Packed], notes: list[str]) -> Facts:
    """What is known of the joined benchmark as a whole."""
    all_facts = [packed.facts for packed in packs]
    scored = {one["name"]: one for facts in all_facts for one in facts.systems}
    missing = {one["name"]: one for facts in all_facts for one in facts.missing if one["name"] not in scored}
    trained = pd.concat([packed.trainings[["seed"]] for packed in packs])
    seeds = ",".join(str(seed) for seed in dict.fromkeys(trained.seed))
    first, files = all_facts[0], ", ".join(f"{packed.pack.file.name} {packed.pack.hash[:8]}" for packed in packs)
    joined = f"Joined from {len(packs)} packs ({files})."
    commits, licences = {one.commit for one in all_facts}, {one.licence for one in all_facts}
    return replace(
        first,
        made=max(one.made for one in all_facts),
        settings={**first.settings, "seeds": seeds} | _sampled(first),
        changed={**first.changed, "seeds": seeds},
        systems=list(scored.values()),
        missing=list(missing.values()),
        processes=max(one.processes for one in all_facts),
        notes=list(dict.fromkeys([*(note for one in all_facts for note in one.notes), *notes, joined])),
        commit=first.commit if len(commits) == 1 else "",
        edited=any(one.edited for one in all_facts),
        command=_with_seeds(first.command, seeds, packs[0].pack.file),
        authors=list(dict.fromkeys(name for one in all_facts for name in one.authors)),
        licence=first.licence if len(licences) == 1 else "",
        sounds_licence="",
    )


def _sampled(facts: Facts) -> dict[str, str]:
    """What is a sample of the joined table: as a person chose it, else as it is taken today, also of older packs."""
    by = facts.changed.get("statistics_by", BY_DEFAULT)
    return {} if by == "track" else {"statistics_by": by}


def _with_seeds(command: str, seeds: str, file: Path) -> str:
    """The command that trains all of them in one place.

    Raises UserError where the command is none; ``file`` is the pack's.

    >>> _with_seeds("sepbench run -p demo --set seeds=1 --set training.steps=20", "1,2", Path("a.zip"))
    'sepbench run -p demo --set training.steps=20 --set seeds=1,2'
    """
    try:
        words = shlex.split(command)
    except ValueError as fault:
        raise UserError(f"{file} names a command that cannot be read ({fault}): get the pack again.") from None
    for place in range(len(words) - 1, 0, -1):
        if words[place - 1] == "--set" and words[place].startswith("seeds="):
            del words[place - 1 : place + 1]
    return shlex.join([*words, "--set", f"seeds={seeds}"])


def _once(tables: Sequence[pd.DataFrame], order: Sequence[str]) -> pd.DataFrame:
    """The rows of each training, from the first table that has any of it."""
    known: set[tuple[Any, ...]] = set()
    rows = []
    for table in tables:
        keys = pd.Series(list(zip(table.variant, table.seed, strict=True)), index=table.index, dtype=object)
        rows.append(table[~keys.isin(known)])
        known |= set(keys)
    return _in_order(pd.concat(rows, ignore_index=True), order, ["seed"])


def _with_all_seeds(trainings: pd.DataFrame) -> pd.DataFrame:
    """The trainings, of which each pack says with what seeds its systems were trained, with those of all packs."""
    if "seeds" not in trainings:
        return trainings
    all_seeds = trainings.groupby("variant").seed.agg(lambda seeds: json.dumps(sorted(set(map(int, seeds)))))
    known = trainings.variant.map(all_seeds).where(trainings.seeds.notna())
    return trainings.assign(seeds=known)


def _in_order(table: pd.DataFrame, order: Sequence[str], then: list[str]) -> pd.DataFrame:
    """By system, as the table has them, then by seed; rows that are alike in both stay as they are."""
    places = {name: place for place, name in enumerate(order)}
    known = table.assign(place=table.variant.map(places).fillna(len(places)))
    return known.sort_values(["place", *then], kind="stable", ignore_index=True).drop(columns="place")


def _distinct(tables: Iterable[pd.DataFrame], column: str) -> pd.DataFrame:
    return pd.concat(list(tables), ignore_index=True).drop_duplicates(column, ignore_index=True)


def _figures(tables: Sequence[pd.DataFrame], joined: Joined) -> pd.DataFrame:
    """What is known of each system beside its scores, of all its trainings; the rest from the first pack with it."""
    together = pd.concat(tables)
    figures = together[~together.index.duplicated()].copy()
    for name in figures.index:
        for column, value in figures_again(replace(joined, figures=figures), str(name)).items():
            if column in figures:
                figures.loc[name, column] = value
    return figures
