"""Names of sound files that hold a track's name and what the file is of it: ``TRACK_vocals``, ``TRACK (no vocals)``."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sepmodels.errors import UserError
from sepmodels.systems.track_names import LIKE, likeness, plain

VOCALS, ACCOMPANIMENT, MIXTURE = "vocals", "accompaniment", "mixture"
_SOURCES = {"vocals": ("vocals", "vocal", "voice", "singing"), "drums": ("drums", "drum"), "bass": ("bass",)}
_SOURCES |= {name: (name,) for name in ("other", "piano", "guitar", "backing")}
_REST = dict.fromkeys(("accompaniment", "instrumental", "instrum", "karaoke"), ACCOMPANIMENT)
_WITHOUT = ("no", "minus", "without")
# Each way to write a stem, by its letters alone, and the stem. What is left without drums is "nodrums".
STEMS = {
    **{word: stem for stem, words in _SOURCES.items() for word in words},
    **{no + word: f"no{stem}" for stem, words in _SOURCES.items() for word in words for no in _WITHOUT},
    **{no + word: ACCOMPANIMENT for word in _SOURCES[VOCALS] for no in _WITHOUT},
    **{f"backing{word}": "backingvocals" for word in _SOURCES[VOCALS]},
    **_REST,
    **dict.fromkeys((MIXTURE, "mix"), MIXTURE),
}
_LONGEST = 2  # words: "no vocals", "backing vocals"


@dataclass(frozen=True)
class Reading:
    """One way to read a name: whose file it is, and which stem.

    stem: "" where the name is taken for the track's alone. last: whether the stem's words are the last ones, or stand
    in brackets; others follow them where it is False, as in ``TRACK_vocals_htdemucs``.
    """

    track: str
    stem: str
    last: bool = True


def stem_called(name: str) -> str:
    """The stem's name, the same for all ways to write it.

    >>> stem_called("Vocals"), stem_called("no_vocals"), stem_called("Lead Guitar")
    ('vocals', 'accompaniment', 'leadguitar')
    """
    written = plain(name)
    return STEMS.get(written, written)


def readings(name: str) -> list[Reading]:
    """All ways to read a name as a track's and then a stem's, the longest name of a track first.

    >>> [(one.track, one.stem) for one in readings("Oh No_vocals")]
    [('Oh No', 'vocals'), ('Oh', 'accompaniment')]
    >>> [(one.track, one.stem) for one in readings("Oh (no vocals)")]
    [('Oh', 'accompaniment')]
    """
    words = list(re.finditer(r"[^\W_]+", name))
    found: dict[int, list[tuple[bool, Reading]]] = {}  # by where its words end, and whether in brackets
    for first in range(len(words) - 1, 0, -1):
        for end in range(first + 1, min(first + _LONGEST, len(words)) + 1):
            start, stop = words[first].start(), words[end - 1].end()
            stem = STEMS.get(plain(name[start:stop]))
            if stem is None:
                continue
            brackets = name[start - 1] in "([" and name[stop : stop + 1] in (")", "]")
            one = Reading(name[:start].rstrip(" \t_.([-"), stem, brackets or end == len(words))
            found.setdefault(end, []).append((brackets, one))
    # of "Oh (no vocals)" the brackets say what belongs together
    return [
        one for ways in found.values() for brackets, one in ways if brackets or not any(inside for inside, _ in ways)
    ]


def last_words(found: Iterable[Reading]) -> list[Reading]:
    """Those by which the stem's words are the last ones, or stand in brackets."""
    return [one for one in found if one.last]


def read_names(
    names: Iterable[str], tracks: Sequence[str], alone: bool = False
) -> dict[str, tuple[Reading | None, list[Reading]]]:
    """How each name is read, and all ways to read it; None where no way gives one of the tracks.

    That whose track is one of ``tracks`` counts: exactly, then with the same letters, then as another name of the
    folder shows it, then loosely. alone: whether a name may be a track's alone.

    Raises UserError for a name that may be read in two ways.
    """
    ways = {name: readings(name) for name in names}
    shown = _shown(ways.values())
    return {
        name: (_chosen(name, found, [Reading(name, "")] if alone else [], tracks, shown), found)
        for name, found in ways.items()
    }


def _shown(ways: Iterable[list[Reading]]) -> set[str]:
    """Names of tracks that a folder leaves no doubt of: by a file that can be read in one way, or by two sources.

    "Oh No_drums" and "Oh No_bass" are of "Oh No": nobody leaves out first these and then those of "Oh".
    """
    sure: set[str] = set()
    sources: dict[str, set[str]] = {}
    for found in map(last_words, ways):
        sure |= {one.track for one in found if len(found) == 1}
        for one in found:
            sources.setdefault(one.track, set()).update({one.stem} & _SOURCES.keys())
    return sure | {track for track, stems in sources.items() if len(stems) > 1}


def require_one(name: str, found: Sequence[Reading]) -> Reading | None:
    """The one way of these; raises UserError for more, and gives None for none."""
    if len(found) > 1:
        said = " or ".join(f"{one.stem or 'the only file'} of {one.track!r}" for one in found[:2])
        raise UserError(
            f"The file {name!r} may be {said}: put it into a folder with its track's name, as "
            f"{found[0].track}/{found[0].stem or 'vocals'}.wav."
        )
    return found[0] if found else None


def _chosen(
    name: str, found: list[Reading], whole: list[Reading], tracks: Sequence[str], shown: Collection[str]
) -> Reading | None:
    letters = {plain(track) for track in tracks}
    last = last_words(found)
    within = [one for one in found if not one.last]
    for fits in (
        [one for one in (*last, *whole) if one.track in tracks],
        [one for one in (*last, *whole) if plain(one.track) in letters],
        [one for one in last if one.track in shown] if len(last) > 1 else [],
        [one for one in within if plain(one.track) in letters],
        _like([*last, *whole], tracks),
        _like(within, tracks),
    ):
        if fits:
            return require_one(name, fits)
    return None


def _like(ways: Sequence[Reading], tracks: Sequence[str]) -> list[Reading]:
    """Those that give a name like one of the tracks; a track's name alone only where it is the likest, and then alone.

    "A longer sng_vocals" is like "A longer song" as a whole, too.
    """
    like = {one: max((likeness(one.track, track) for track in tracks), default=0.0) for one in ways}
    fits = [one for one in like if like[one] >= LIKE]
    if fits and not (likest := max(fits, key=like.__getitem__)).stem:
        return [likest]
    return [one for one in fits if one.stem]
