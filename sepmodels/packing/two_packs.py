"""Two packs side by side: how far the scores of each system are apart, and what was set and given otherwise."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sepmodels.errors import UserError
from sepmodels.packing.parts import TRACKS, Packed
from sepmodels.results.bootstrap import Float64, Indices
from sepmodels.results.comparisons import holm
from sepmodels.results.crossed import difference
from sepmodels.results.per_track import TrackTable

COLUMNS = (
    "variant",
    "title",
    "first",
    "second",
    "difference",
    "low",
    "high",
    "p",
    "tracks",
    "first_seeds",
    "second_seeds",
)


def side_by_side(first: Packed, second: Packed, metric: str = "SDR") -> pd.DataFrame:
    """A row for each system of either pack, in the order of the first. Both have to be of one target.

    Columns:
        first, second: its figure in each table, in dB; NaN where it is not there.
        difference, low, high, p, p_holm: what it scores in the second above the first, on the test tracks that both
            packs have, with its 95 % interval for other tracks and trainings, and p without and with Holm's correction
            over the systems. NaN where there is nothing to test: one training each, few tracks, the same scores.
        tracks, first_seeds, second_seeds: how many were compared.
    """
    titles = {one.name: one.title for packed in (second, first) for one in packed.facts.scored}
    seeded = {one.name: one.seeded for packed in (second, first) for one in packed.facts.scored}
    names = dict.fromkeys(one.name for packed in (first, second) for one in packed.facts.scored)
    target = first.facts.target
    tables = [_figures(packed, target, metric) for packed in (first, second)]
    shared = set(first.scores.track) & set(second.scores.track)
    scores = [TrackTable(packed.scores[packed.scores.track.isin(shared)]) for packed in (first, second)]
    rows = []
    for name in names:
        before, after = (one.values(name, target, metric) for one in scores)
        figures = {"first": tables[0].get(name, np.nan), "second": tables[1].get(name, np.nan)}
        both = shared and before.shape[1] and after.shape[1]
        tested = _tested(after, before, scores[0].samples, seeded=seeded[name]) if both else {}
        rows.append({"variant": name, "title": titles[name], **figures, **tested})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.assign(p_holm=holm(table.p.astype(float)))


def _figures(packed: Packed, target: str, metric: str) -> "pd.Series[float]":
    table = packed.result("results")
    figures: pd.Series[float] = table[table.target == target].set_index("variant")[metric]
    return figures


def _tested(after: Float64, before: Float64, samples: Indices, *, seeded: bool) -> dict[str, float]:
    """The difference between two arrays (track, seed) of one system's scores. samples: of the tracks."""
    counts = {"first_seeds": before.shape[1], "second_seeds": after.shape[1]}
    if before.shape == after.shape and np.array_equal(before, after, equal_nan=True):
        return {**counts, "difference": 0.0, "tracks": len(before)}
    found = difference(after, before, samples=samples, fixed=(not seeded, not seeded))
    figures = {"difference": found.mean, "low": found.low, "high": found.high, "p": found.p}
    return {**counts, **figures, "tracks": found.tracks}


def other_settings(first: Packed, second: Packed) -> Iterator[str]:
    """A sentence for each setting that differs."""
    before, after = first.facts.settings, second.facts.settings
    for name in sorted({*before, *after}):
        one, other = (settings.get(name, "not there") for settings in (before, after))
        if one != other:
            yield f"{name} is {one} in the first, and {other} in the second"


def other_data(first: Packed, second: Packed) -> Iterator[str]:
    """A sentence for each kind of difference between the datasets."""
    tables = [_tracks(packed) for packed in (first, second)]
    before, after = (dict(zip(one.name, zip(one.split, one.source_hash, strict=True), strict=True)) for one in tables)
    both = sorted(set(before) & set(after))
    kinds = {
        "only in the first": sorted(set(before) - set(after)),
        "only in the second": sorted(set(after) - set(before)),
        "in another split": [name for name in both if before[name][0] != after[name][0]],
        "with other content": [name for name in both if before[name][1] != after[name][1]],
    }
    for words, names in kinds.items():
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            yield f"{len(names)} tracks are {words}: {', '.join(names[:3])}{more}"


def _tracks(packed: Packed) -> pd.DataFrame:
    table = packed.pack.table(TRACKS)
    if lacking := [name for name in ("name", "split", "source_hash") if name not in table]:
        raise UserError(f"{packed.pack.file} has a {TRACKS} without a column {lacking[0]}: get the pack again.")
    return table
