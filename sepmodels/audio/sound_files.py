"""What is a sound file, and which names are hidden: one rule for songs and datasets."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_LOSSLESS = [
    ".wav",
    ".wave",
    ".w64",
    ".rf64",
    ".bwf",
    ".flac",
    ".aif",
    ".aiff",
    ".aifc",
    ".caf",
    ".au",
    ".snd",
    ".wv",
    ".ape",
    ".tta",
    ".tak",
    ".shn",
    ".dsf",
    ".dff",
    ".voc",
]
_LOSSY = [
    ".mp3",
    ".mp2",
    ".mp1",
    ".mpga",
    ".m4a",
    ".m4b",
    ".aac",
    ".ac3",
    ".eac3",
    ".dts",
    ".ogg",
    ".oga",
    ".opus",
    ".spx",
    ".wma",
    ".mka",
    ".weba",
    ".mpc",
    ".amr",
    ".ra",
]
_FILMS = [".mp4", ".m4v", ".mov", ".mkv", ".webm", ".ogv", ".3gp", ".wmv", ".asf", ".avi", ".flv"]
AUDIO_SUFFIXES = frozenset(_LOSSLESS + _LOSSY + _FILMS)
_MAGIC: tuple[bytes, ...] = (
    b"RIFF",
    b"RF64",
    b"BW64",
    b"riff",
    b"fLaC",
    b"OggS",
    b"ID3",
    b"FORM",
    b"caff",
    b".snd",
    b"wvpk",
    b"TTA1",
)
_MAGIC += (b"MAC ", b"MPCK", b"MP+", b"#!AMR", b"tBaK", b"\x1aE\xdf\xa3", b"\xff\xfb", b"\xff\xf1", b"\xff\xf9")
# What systems leave beside files, and programs while they write.
_NEVER_TOLD = ("._", ".DS_Store", ".tmp-")


def is_sound_file(path: Path) -> bool:
    """Whether a file is sound: by a suffix of sound or film, or, with any other name, by how its content begins."""
    if not path.is_file():
        return False
    if path.suffix.lower() in AUDIO_SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            begin = file.read(12)
    except OSError:
        return False
    return begin.startswith(_MAGIC) or begin[4:12] in (b"ftypM4A ", b"ftypM4B ")


def is_hidden(name: str) -> bool:
    """Whether a name begins with a dot, but for titles such as "...Baby One More Time".

    >>> is_hidden(".git"), is_hidden("...And Justice for All.wav")
    (True, False)
    """
    return name.startswith(".") and not name.startswith("..")


def files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder, sorted, through links too, each folder once; hidden ones and theirs as well."""
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        if os.path.realpath(place) in seen:
            folders.clear()
            continue
        seen.add(os.path.realpath(place))
        folders.sort()
        yield from (Path(place) / name for name in sorted(names))


def is_below_hidden(path: Path, folder: Path) -> bool:
    """Whether a file or a folder on the way to it from ``folder`` is hidden."""
    return any(is_hidden(part) for part in path.relative_to(folder).parts)


def passed_over(folder: Path, taken: Iterable[Path], left_out: Iterable[Path] = ()) -> dict[str, list[str]]:
    """The files below ``folder`` that are not among the ``taken``, by the reason why, relative to it.

    left_out: those that do not count by their names.
    """
    known, unwanted, found = set(taken), set(left_out), dict[str, list[str]]()
    for path in files_below(folder):
        if path in known or path.name.startswith(_NEVER_TOLD):
            continue
        sound = is_sound_file(path)
        hidden = is_below_hidden(path, folder)
        if hidden and not sound:
            continue
        reason = (
            "left out by name"
            if path in unwanted
            else "hidden"
            if hidden
            else "sound that is no part of a track"
            if sound
            else "no sound"
        )
        found.setdefault(reason, []).append(path.relative_to(folder).as_posix())
    return found


def passed_over_sentence(found: dict[str, list[str]]) -> str:
    """What was passed over, in a sentence; empty where nothing was.

    >>> passed_over_sentence({"no sound": ["a.txt", "b.jpg", "c.jpg", "d.jpg"]})
    'Passed over: 4 files (no sound: a.txt, b.jpg, c.jpg and 1 more).'
    """
    if not found:
        return ""
    parts = []
    for reason, names in found.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        parts.append(f"{reason}: {', '.join(names[:3])}{more}")
    count = sum(map(len, found.values()))
    return f"Passed over: {count} file{'s' * (count > 1)} ({'; '.join(parts)})."
