"""How long products took when they were last made, in seconds: what making them again will take, roughly."""

import json
from collections.abc import Iterable, Mapping

import dagster as dg

from assets.staleness.last_made import PARTS, SECONDS, last_made
from assets.step import SEEDS


def seconds_to_make(keys: Iterable[dg.AssetKey], instance: dg.DagsterInstance) -> dict[dg.AssetKey, float]:
    """Of each product that has been made, how long that took; of one for which nobody noted it, nothing.

    A training and a separation are made in parts that may be kept: there the times of all parts count.
    """
    found = {}
    for key, last in last_made(keys, instance).items():
        seconds = _seconds(kind_of(key), last.metadata)
        if seconds is not None:
            found[key] = seconds
    return found


def kind_of(key: dg.AssetKey) -> str:
    """What a product is, by its key: such as "scores", on whichever test set."""
    return key.path[2] if len(key.path) == 4 else key.path[-1]


def _seconds(kind: str, metadata: Mapping[str, dg.MetadataValue]) -> float | None:
    parts = metadata.get("seconds")  # of a training the mean over its seeds, of a separation all of it
    if kind == "checkpoint" and parts:
        return float(parts.value) * seeds_made(metadata)
    if kind == "estimates" and parts:
        return float(parts.value)
    whole = metadata.get(SECONDS)
    return float(whole.value) if whole else None


def seeds_made(metadata: Mapping[str, dg.MetadataValue]) -> int:
    """How many seeds a training had, by its metadata."""
    parts = metadata.get(PARTS)
    known = parts.value if isinstance(parts, dg.JsonMetadataValue) else None
    return len(json.loads(known[SEEDS])) if isinstance(known, dict) and SEEDS in known else 1
