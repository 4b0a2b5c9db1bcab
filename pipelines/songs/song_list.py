"""Which songs to separate, and where each one's stems go."""

import itertools
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.terminal import printable
from sepmodels.audio.sound_files import (
    AUDIO_SUFFIXES,
    files_below,
    is_below_hidden,
    is_sound_file,
    passed_over,
    passed_over_sentence,
)
from sepmodels.errors import UserError

STDIN = Path("-")


@dataclass(frozen=True)
class Song:
    """A song's file, what it is called (shortly, and in what is said of it), and the file of each stem asked for."""

    file: Path
    name: str
    said: str
    stems: dict[str, Path]


@contextmanager
def songs_of(
    given: Sequence[Path], out: Path, stems: Sequence[str], suffix: str, say: Callable[[str], None] = print
) -> Iterator[list[Song]]:
    """The songs in files and folders, in order; what comes on standard input is kept in a file meanwhile.

    A song's stems lie in ``out/<song>/``, in the subfolders that it had within a given folder. Where two songs
    would lie in one place, or a file is in the way, the next is called by its whole file name, and then by a number.

    say: is told what of a folder is passed over.

    Raises :class:`UserError` for a path that does not exist or is no file, and a folder without songs.
    """
    with TemporaryDirectory(prefix="sepbench-") as folder:
        found: dict[Path, Path] = {}  # each song once, and its place below out
        for path in dict.fromkeys(given):  # standard input can be read but once
            for song, place in _expand(path, out, Path(folder), say):
                found.setdefault(song, place)
        taken: set[str] = set()
        songs = []
        for song, place in found.items():
            place = _free(song, place, out, taken)
            files = {stem: out / place / f"{stem}.{suffix}" for stem in stems}
            spooled = song.parent == Path(folder)
            name, said = ("standard input",) * 2 if spooled else (printable(song.name), printable(song))
            songs.append(Song(song, name, said, files))
        yield songs


def require_free(songs: Iterable[Song], *, force: bool) -> None:
    """Raise :class:`UserError` where stems cannot go.

    Where one would replace a song or (but for ``force``) any other file; where a file is in place of their folder;
    and where the folder is not one that may be written to.
    """
    songs = list(songs)
    files = [file for song in songs for file in song.stems.values()]
    sources = {song.file for song in songs}
    for file in files:
        if file.resolve() in sources:
            raise UserError(
                f"{printable(file)} is one of the songs, and would be replaced by a stem: choose another --out."
            )
    for folder in dict.fromkeys(file.parent for file in files):
        require_folder(folder)
    there = [file for file in files if file.exists()]
    if there and not force:
        more = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise UserError(
            f"{printable(there[0])} exists already{more}: say --force to replace it, or choose another --out."
        )
    if folders := [file for file in there if file.is_dir()]:
        raise UserError(f"{printable(folders[0])} is a folder, where a stem would lie: choose another --out.")


def require_folder(folder: Path) -> None:
    """Raise :class:`UserError` unless ``folder`` is one that may be written to, or may be made."""
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise UserError(f"{printable(nearest)} is a file, where a folder is needed: choose another --out.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UserError(
            f"{printable(nearest)} may not be written to: choose another --out, or give yourself permission."
        )


def _expand(path: Path, out: Path, spool: Path, say: Callable[[str], None]) -> Iterator[tuple[Path, Path]]:
    """Songs, and the place of each below ``out``."""
    if path == STDIN:
        song = spool / "stdin"
        with song.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield song, Path("stdin")
    elif path.is_dir():
        sounds = [file for file in files_below(path) if is_sound_file(file) and not is_below_hidden(file, path)]
        told = printable(passed_over_sentence(passed_over(path, sounds)))
        songs = _songs_among(sounds, path, out.resolve())
        if not songs:
            sentence = f"{printable(path)} has no songs: sound files are looked for, in its subfolders too. {told}"
            raise UserError(sentence.strip())
        if told:
            say(f"{printable(path)}: {told}")
        for song in songs:
            yield song.resolve(), _place(song, path)
    elif path.is_file():
        yield path.resolve(), Path(_called(path))
    elif path.exists():
        raise UserError(f"{printable(path)} is neither a file nor a folder: let it be read from standard input (-).")
    else:
        raise UserError(f"{printable(path)} does not exist: check the path.")


def _songs_among(sounds: Iterable[Path], folder: Path, out: Path) -> list[Path]:
    """The sound files of a folder, without what an earlier separation of them wrote there."""
    from sepmodels.audio import REST, STREAMS

    songs = sorted(sounds)
    if out.is_relative_to(folder.resolve()) and out != folder.resolve():
        return [song for song in songs if not song.resolve().is_relative_to(out)]
    places = {(out / place).resolve() for song in songs for place in (_place(song, folder), song.relative_to(folder))}
    return [
        song for song in songs if song.stem not in (*STREAMS, REST) or _unnumbered(song.parent.resolve()) not in places
    ]


def _unnumbered(place: Path) -> Path:
    return place.with_name(re.sub(r" \(\d+\)$", "", place.name))


def _place(song: Path, folder: Path) -> Path:
    return song.relative_to(folder).with_name(_called(song))


def _called(song: Path) -> str:
    """A song's name without the suffix of a sound, where something is left that can name a folder.

    >>> [_called(Path(name)) for name in ("song.wav", "Vol. 1", "...wav", "..wav", "...Baby.mp3")]
    ['song', 'Vol. 1', '...wav', '..wav', '...Baby']
    """
    known = song.suffix.lower() in AUDIO_SUFFIXES and song.stem.strip(". ")
    return song.stem if known else song.name


def _free(song: Path, place: Path, out: Path, taken: set[str]) -> Path:
    numbered = (place.with_name(f"{song.name} ({number})") for number in itertools.count(2))
    for candidate in itertools.chain([place, place.with_name(song.name)], numbered):
        key = str(candidate).casefold()  # some disks do not tell case apart
        if key not in taken and not (out / candidate).is_file():
            taken.add(key)
            return candidate
    raise AssertionError("numbers never end")
