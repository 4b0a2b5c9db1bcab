"""Which songs to separate, and where each one's stems go."""

import itertools
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sepmodels.errors import UserError

SONG_SUFFIXES = (".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".wma", ".mp4")
STDIN = Path("-")


@dataclass(frozen=True)
class Song:
    """A song's file, what it is called (shortly, and in what is said of it), and the file of each stem asked for."""

    file: Path
    name: str
    said: str
    stems: dict[str, Path]


@contextmanager
def songs_of(given: Sequence[Path], out: Path, stems: Iterable[str], suffix: str) -> Iterator[list[Song]]:
    """The songs in files and folders, in order; what comes on standard input is kept in a file meanwhile.

    A song's stems lie in ``out/<song>/``, in the subfolders that it had within a given folder. Where two songs
    would lie in one place, the next is called by its whole file name, and then by a number.

    Raises :class:`UserError` for a path that does not exist and a folder without songs.
    """
    with TemporaryDirectory(prefix="sepbench-") as folder:
        found: dict[Path, Path] = {}  # each song once, and its place below out
        for path in given:
            for song, place in _expand(path, out, Path(folder)):
                found.setdefault(song, place)
        taken: set[str] = set()
        songs = []
        for song, place in found.items():
            place = _free(song, place, taken)
            files = {stem: out / place / f"{stem}.{suffix}" for stem in stems}
            spooled = song.parent == Path(folder)
            name, said = ("standard input",) * 2 if spooled else (song.name, str(song))
            songs.append(Song(song, name, said, files))
        yield songs


def require_free(songs: Iterable[Song], *, force: bool) -> None:
    """Raise :class:`UserError` if a stem would replace a song, or (but for ``force``) any other file."""
    songs = list(songs)
    files = [file for song in songs for file in song.stems.values()]
    sources = {song.file for song in songs}
    for file in files:
        if file.resolve() in sources:
            raise UserError(f"{file} is one of the songs, and would be replaced by a stem: choose another --out.")
    there = [file for file in files if file.exists()]
    if there and not force:
        more = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise UserError(f"{there[0]} exists already{more}: say --force to replace it, or choose another --out.")


def _expand(path: Path, out: Path, spool: Path) -> Iterator[tuple[Path, Path]]:
    """Songs, and the place of each below ``out``."""
    if path == STDIN:
        song = spool / "stdin"
        with song.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield song, Path("stdin")
    elif path.is_dir():
        songs = sorted(song for song in path.rglob("*") if _is_song(song) and not song.is_relative_to(out))
        if not songs:
            raise UserError(f"{path} has no songs: {', '.join(SONG_SUFFIXES)} are looked for, in its subfolders too.")
        for song in songs:
            yield song.resolve(), song.relative_to(path).with_suffix("")
    elif path.exists():
        yield path.resolve(), Path(path.stem)
    else:
        raise UserError(f"{path} does not exist: check the path.")


def _is_song(path: Path) -> bool:
    return path.suffix.lower() in SONG_SUFFIXES and not path.name.startswith(".") and path.is_file()


def _free(song: Path, place: Path, taken: set[str]) -> Path:
    numbered = (place.with_name(f"{song.name} ({number})") for number in itertools.count(2))
    for candidate in itertools.chain([place, place.with_name(song.name)], numbered):
        if (key := str(candidate).casefold()) not in taken:  # some disks do not tell case apart
            taken.add(key)
            return candidate
    raise AssertionError("numbers never end")
