"""Names of tracks that somebody else wrote, matched loosely with ours."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence

LIKE = 0.9  # of difflib's ratio: a letter left out, "feat." in place of "ft."


def plain(name: str) -> str:
    """The letters and digits of a name, small and without accents.

    >>> plain("Al James - Schoolboy Facination"), plain("Bédouin_01.stem")
    ('aljamesschoolboyfacination', 'bedouin01')
    """
    decomposed = unicodedata.normalize("NFKD", name.removesuffix(".stem")).casefold()
    return "".join(re.findall(r"\w", "".join(one for one in decomposed if not unicodedata.combining(one)))).replace(
        "_", ""
    )


def match_names(given: Iterable[str], ours: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """What each of our tracks is called there, for those that are there; and a sentence on names that are not the same.

    The same letters and digits are the same name; else the likest, where it is like enough and no other is.
    """
    left = dict.fromkeys(given)
    found: dict[str, str] = {name: name for name in ours if name in left}
    for rule in (_same, _like):
        for track in ours:
            candidates = [name for name in left if name not in found.values()]
            if track not in found and (name := rule(track, candidates)) is not None:
                found[track] = name
    changed = [f"{name!r} as {track!r}" for track, name in found.items() if name != track]
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    said = [f"Names were matched: {', '.join(changed[:3])}{more}."] if changed else []
    return {track: found[track] for track in ours if track in found}, said


def likeness(given: str, ours: str) -> float:
    """How like two names are, by their letters and digits: 1 where these are the same."""
    return difflib.SequenceMatcher(None, plain(given), plain(ours)).ratio()


def _same(track: str, candidates: Sequence[str]) -> str | None:
    same = [name for name in candidates if plain(name) == plain(track)]
    return same[0] if len(same) == 1 else None


def _like(track: str, candidates: Sequence[str]) -> str | None:
    like = [name for name in candidates if likeness(name, track) >= LIKE]
    return like[0] if len(like) == 1 else None
