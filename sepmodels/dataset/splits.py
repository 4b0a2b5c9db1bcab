"""Which tracks train, which choose the model, and which are only ever scored."""

import hashlib
from collections.abc import Collection, Iterable
from functools import cache

from sepmodels.dataset.artists import artist_of

SPLITS = ("train", "valid", "test")


def hold_out(names: Iterable[str], share: float, seed: int) -> frozenset[str]:
    """Draw about ``share`` of the tracks, at least one and never all; whole artists where names tell them.

    An artist's songs share a voice and a studio, so an artist on both sides of a split would flatter the model.
    Artists are taken in an order that a hash of the seed and their name decides, so that the draw does not
    depend on the order of ``names``, on a library's random numbers, nor much on the other tracks there are.
    Draws nothing from fewer than two tracks.
    """
    names = frozenset(names)
    if len(names) < 2:
        return frozenset()
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault(artist_of(name), set()).add(name)
    if len(groups) == 1:
        groups = {name: {name} for name in names}
    wanted = min(max(1, round(share * len(names))), len(names) - 1)
    chosen: set[str] = set()
    order = sorted(groups, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    for group in order:
        if len(chosen) + len(groups[group]) <= wanted:
            chosen |= groups[group]
    return frozenset(chosen or groups[min(order, key=lambda group: len(groups[group]))])


@cache
def musdb_validation_tracks() -> frozenset[str]:
    """The names of MUSDB18's 14 validation tracks, from the configuration that the musdb package carries."""
    from importlib.resources import files

    import yaml  # type: ignore[import-untyped]

    settings = yaml.safe_load(files("musdb").joinpath("configs/mus.yaml").read_text(encoding="utf-8"))
    return frozenset(settings["validation_tracks"])


def validation_names(names: Collection[str], share: float, seed: int, *, official: bool) -> frozenset[str]:
    """The validation tracks among training tracks: MUSDB's own where ``official`` and any is there, else a draw.

    MUSDB's seven-second preview lacks some of the fourteen; those that are there make the split.
    """
    if official and (known := musdb_validation_tracks() & frozenset(names)):
        return known
    return hold_out(names, share, seed)
