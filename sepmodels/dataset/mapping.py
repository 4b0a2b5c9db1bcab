"""``stems.toml`` in a dataset's folder: which of its files are the voice, drums, bass, other stems or the mixture.

vocals = ["*singer*", "vocals/*"]      # names, or paths below the track's folder, without case; * is anything
drums = ["*drum*"]
mixture = ["*_MIX"]
left_out = ["*_RAW/*"]                 # what this takes, no other rule sees
rest = "other"                         # what becomes of files that no rule takes; without it they are a fault
file_names = "{track} - {stem}"        # for one flat folder; without it each folder is a track
instruments = "*_METADATA.yaml"        # MedleyDB's files of what each stem is; rules then see that name, too
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from sepmodels.audio.sound_files import files_below, is_below_hidden, is_hidden, is_sound_file
from sepmodels.dataset.splits import SPLITS
from sepmodels.errors import UserError
from sepmodels.settings import DatasetSettings

MAPPING_FILE = "stems.toml"
LEFT_OUT = "left_out"
ROLES = ("vocals", "drums", "bass", "other", "mixture", LEFT_OUT)
_WORDS = ("rest", "file_names", "instruments")
_MOST_NAMES = 3


@dataclass(frozen=True)
class Rules:
    """What a mapping file says; rules: by role, patterns in small letters."""

    rules: Mapping[str, tuple[str, ...]]
    rest: str = ""
    file_names: str = ""
    instruments: str = ""


@dataclass
class Mapped:
    """A track's files by role; unknown: those that no rule takes; twice: those that several do, with their roles."""

    name: str
    split: str
    roles: dict[Path, str] = field(default_factory=dict)
    unknown: list[Path] = field(default_factory=list)
    twice: dict[Path, list[str]] = field(default_factory=dict)

    @property
    def is_left_out(self) -> bool:
        """Whether no file of it counts, so that it is no track."""
        return not {*self.roles.values()} - {LEFT_OUT} and not self.unknown and not self.twice


def with_mapping(settings: DatasetSettings, folder: Path) -> DatasetSettings:
    """The settings with the mapping file that the folder of a dataset has, where none is named."""
    free = settings.layout == "folder" and settings.voice_channel == "none" and settings.mapping is None
    return replace(settings, mapping=MAPPING_FILE) if free and (folder / MAPPING_FILE).is_file() else settings


def mapped_tracks(folder: Path, name: str) -> list[Mapped]:
    """The tracks of a folder by its mapping file of that name, sorted.

    Raises :class:`UserError` for a file that is missing or says what cannot be.
    """
    rules = read_rules(folder / name)
    tracks: dict[tuple[str, str], Mapped] = {}
    for split in [split for split in SPLITS if (folder / split).is_dir()] or [""]:
        for track, file, names in _files(folder / split, rules):
            mapped = tracks.setdefault((split, track), Mapped(track, split))
            found = _roles(rules, names)
            if len(found) == 1:
                mapped.roles[file] = found[0]
            elif found:
                mapped.twice[file] = found
            else:
                mapped.unknown.append(file)
    return sorted(tracks.values(), key=lambda track: track.name)


def mapping_faults(folder: Path, name: str) -> Iterator[str]:
    """What is wrong with a dataset by its mapping file, a sentence for each kind of fault."""
    tracks = mapped_tracks(folder, name)
    if rules := read_rules(folder / name).file_names:
        odd = [file for file in _loose_sounds(folder) if _parts(rules, file) is None]
        if odd:
            yield f"{_some(odd, folder)} cannot be read as {rules!r}, the file_names of {name}: rename or remove them."
    if unknown := [file for track in tracks for file in track.unknown]:
        yield (
            f"No rule of {name} takes {_some(unknown, folder)}: name them in a rule or in left_out, or set "
            'rest = "other".'
        )
    for file, roles in [pair for track in tracks for pair in track.twice.items()]:
        yield f"{file.relative_to(folder)} is taken by the rules {' and '.join(roles)} of {name}: narrow one of them."
    for track in tracks:
        roles = list(track.roles.values())
        if track.is_left_out or track.unknown or track.twice:
            continue
        if "vocals" not in roles:
            yield f"The track {track.name!r} has no vocals by {name}: add a rule that takes its voice, or move it."
        elif not {*roles} - {"vocals", LEFT_OUT}:
            yield f"The track {track.name!r} has nothing but vocals by {name}: add its other stems or its mixture."
        if roles.count("mixture") > 1:
            mixtures = [file for file, role in track.roles.items() if role == "mixture"]
            yield f"The track {track.name!r} has {len(mixtures)} mixtures ({_some(mixtures, folder)}): keep one."


def _some(files: list[Path], folder: Path) -> str:
    names = [file.relative_to(folder).as_posix() for file in files[:_MOST_NAMES]]
    more = len(files) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _files(place: Path, rules: Rules) -> Iterator[tuple[str, Path, list[str]]]:
    """Each sound file with its track's name, and the names by which rules may take it."""
    if rules.file_names:
        for file in _loose_sounds(place):
            if parts := _parts(rules.file_names, file):
                yield parts["track"], file, [parts["stem"].lower()]
        return
    for track in sorted(entry for entry in place.iterdir() if entry.is_dir() and not is_hidden(entry.name)):
        instruments = _instruments(track, rules.instruments) if rules.instruments else {}
        for file in files_below(track):
            if is_sound_file(file) and not is_below_hidden(file, track):
                names = [file.stem.lower(), file.relative_to(track).as_posix().lower()]
                yield track.name, file, [*names, *instruments.get(file.name, [])]


def _loose_sounds(place: Path) -> list[Path]:
    return sorted(file for file in place.iterdir() if not is_hidden(file.name) and is_sound_file(file))


def _parts(file_names: str, file: Path) -> dict[str, str] | None:
    found = _pattern(file_names).fullmatch(file.stem)
    return found.groupdict() if found else None


@cache
def _pattern(file_names: str) -> re.Pattern[str]:
    """Of "{track} - {stem}"; a track's name may have what stands between them, too."""
    text = re.escape(file_names)
    text = text.replace(re.escape("{track}"), "(?P<track>.+)").replace(re.escape("{stem}"), "(?P<stem>.+?)")
    return re.compile(text, re.DOTALL)


def _roles(rules: Rules, names: list[str]) -> list[str]:
    """The roles whose rules take a file of these names."""
    found = [
        role
        for role, patterns in rules.rules.items()
        if any(_rule(pattern).fullmatch(name) for name in names for pattern in patterns)
    ]
    if LEFT_OUT in found:
        return [LEFT_OUT]
    return found or ([rules.rest] if rules.rest else [])


@cache
def _rule(pattern: str) -> re.Pattern[str]:
    """Of a name with * for anything; brackets and question marks are themselves."""
    return re.compile(re.escape(pattern).replace(r"\*", ".*"), re.DOTALL)


def _instruments(track: Path, pattern: str) -> dict[str, list[str]]:
    """What MedleyDB's metadata say of each stem's file: its instrument, or several."""
    import yaml  # type: ignore[import-untyped]

    found: dict[str, list[str]] = {}
    for file in sorted(track.glob(pattern)):
        try:
            stems = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("stems") or {}
            for one in stems.values():
                named = one["instrument"]
                listed = named if isinstance(named, list) else [named]
                found[str(one["filename"])] = [str(instrument).lower() for instrument in listed]
        except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError):
            raise UserError(
                f"{file} cannot be read as MedleyDB's metadata, stems with filename and instrument each: mend it, or "
                "take instruments out of the mapping file."
            ) from None
    return found


def read_rules(file: Path) -> Rules:
    """Raises :class:`UserError`, naming the file, for what it cannot say."""
    try:
        said: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}): write it, or leave dataset.mapping out.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is no TOML ({error}): mend it.") from None
    for name, value in said.items():
        if name not in (*ROLES, *_WORDS):
            raise UserError(f"{file} cannot have {name!r}: expected {', '.join((*ROLES, *_WORDS))}.")
        listed = isinstance(value, list) and all(isinstance(one, str) for one in value)
        if not (listed if name in ROLES else isinstance(value, str)):
            expected = 'a list of names, such as ["*singer*"]' if name in ROLES else "one text"
            raise UserError(f"{file} cannot have {value!r} as {name}: expected {expected}.")
    if said.get("rest", "other") not in ROLES:
        raise UserError(f"{file} cannot have {said['rest']!r} as rest: expected {' or '.join(ROLES)}.")
    names = said.get("file_names", "{track}{stem}")
    if names.count("{track}") != 1 or names.count("{stem}") != 1:
        raise UserError(f"{file} cannot have {names!r} as file_names: expected {{track}} and {{stem}} once each in it.")
    rules = {role: tuple(one.lower() for one in said[role]) for role in ROLES if role in said}
    if "vocals" not in rules:
        raise UserError(f'{file} has no rule for vocals: say which names are the voice, as in vocals = ["*vox*"].')
    return Rules(rules, **{name: said[name] for name in _WORDS if name in said})
