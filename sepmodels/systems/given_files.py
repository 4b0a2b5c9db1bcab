"""Estimates in a folder, as people and programs leave them: which file is of which track."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from sepmodels.audio.sound_files import files_below, is_below_hidden, is_sound_file
from sepmodels.errors import UserError
from sepmodels.systems.stem_names import STEMS, Reading, last_words, read_names, readings, stem_called
from sepmodels.systems.track_names import match_names, plain

_EXPECTED = "TRACK/{0}.wav, test/TRACK/{0}.wav or TRACK_{0}.wav, in any format"


def matched_files(folder: Path, tracks: Sequence[str], target: str = "vocals") -> tuple[dict[str, Path], list[str]]:
    """The file with the target of each track that has one, and sentences on names that are not the same.

    Where no file of a track of ours says what it is, all files are of the target.

    Raises UserError for a folder that is missing or has none, where no track has one, for two files of one track, and
    for a file that may be of two.
    """
    top, sounds = _sounds(folder, target)
    read, unsure = _read(sounds, top, tracks, target)
    named = _by_track(folder, read, target)
    alone = {} if named else _by_track(folder, {file: one for file, one in read.items() if file.parent == top}, "")
    files = named or alone
    found, said = match_names(files, tracks)
    if not found:
        names = list(named) or [file.stem for file in unsure] or list(alone)
        if not names:
            raise _without(folder, target)
        raise UserError(
            f"{folder} has {target} of {_some(names)}, which is none of the {len(tracks)} test tracks "
            f"({_some(tracks)}): name folders or files as the tracks are named."
        )
    if alone and unsure:
        other = files[next(iter(found.values()))]
        raise UserError(
            f"{folder} has {unsure[0].name!r}, which says that it is {target}, and {other.name!r}, which does not: "
            f"name all files as TRACK_{target}, or none."
        )
    return {track: files[name] for track, name in found.items()}, said


def require_files(folder: Path, target: str) -> None:
    """Raise UserError for a folder that is missing, or has no file of the target whatever tracks there are."""
    top, sounds = _sounds(folder, target)
    if not any(_may_be_of(file, top, target) for file in sounds):
        raise _without(folder, target)


def _sounds(folder: Path, target: str) -> tuple[Path, list[Path]]:
    """The folder that has the tracks, and its sound files."""
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}: name one with {_EXPECTED.format(target)}.")
    top = folder / "test" if (folder / "test").is_dir() else folder
    return top, [file for file in files_below(top) if is_sound_file(file) and not is_below_hidden(file, top)]


def _read(
    sounds: Iterable[Path], top: Path, tracks: Sequence[str], target: str
) -> tuple[dict[Path, Reading], list[Path]]:
    """What each file is by its name; and those that say the target, but of which track is not known."""
    found = {file: Reading(file.parent.name, stem_called(file.stem)) for file in sounds if _in_folder(file, top)}
    left = [file for file in sounds if file not in found]
    read = read_names([file.stem for file in left], tracks, alone=True)
    unsure = []
    for file in left:
        one, ways = read[file.stem]
        stems = {way.stem for way in last_words(ways)}
        if one or not stems:
            found[file] = one or Reading(file.stem, "")
        elif target in stems:
            unsure.append(file)
    return found, unsure


def _by_track(folder: Path, read: dict[Path, Reading], stem: str) -> dict[str, Path]:
    """The files of that stem, by the name that their track has there; raises UserError for two of one track."""
    found: dict[str, Path] = {}
    for file, one in read.items():
        if one.stem != stem:
            continue
        if one.track in found:
            raise UserError(f"{folder} has two files of {one.track!r}, {found[one.track]} and {file}: remove one.")
        found[one.track] = file
    return found


def _in_folder(file: Path, top: Path) -> bool:
    """Whether a file is named as a stem alone, in a folder that has its track's name."""
    return file.parent != top and plain(file.stem) in STEMS


def _may_be_of(file: Path, top: Path, target: str) -> bool:
    if _in_folder(file, top):
        return stem_called(file.stem) == target
    ways = readings(file.stem)
    return any(way.stem == target for way in ways) or (file.parent == top and plain(file.stem) not in STEMS)


def _without(folder: Path, target: str) -> UserError:
    return UserError(f"{folder} has no {target}: expected {_EXPECTED.format(target)}.")


def _some(names: Sequence[str], most: int = 2) -> str:
    more = len(names) - most
    return ", ".join(map(repr, names[:most])) + (f" and {more} more" if more > 0 else "")
