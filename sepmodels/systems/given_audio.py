"""Systems whose estimates a person has as audio files."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.io import read_audio
from sepmodels.audio.sound_files import files_below, is_below_hidden, is_sound_file
from sepmodels.errors import UserError
from sepmodels.marks import no_part_of_a_result
from sepmodels.systems.added import PLACE_ONLY, Added, Heard, Separate, Tracks, beside, beside_in_words
from sepmodels.systems.track_names import match_names, plain

# What files of each target may be called.
NAMES = {
    "vocals": ("vocals", "vocal", "voice", "singing"),
    "drums": ("drums", "drum"),
    "bass": ("bass",),
    "other": ("other",),
}
_REST = "accompaniment|instrumental|karaoke|backing"
_OTHERS = frozenset({"mixture", "mix", "piano", "guitar"})
_FIT_SECONDS = 0.5  # longer differences are no padding of a codec
_EXPECTED = "TRACK/{0}.wav, test/TRACK/{0}.wav or TRACK_{0}.wav, in any format"


@dataclass(frozen=True, kw_only=True)
class GivenAudio(Added):
    """A system of which there are estimates as audio files.

    estimates: their folder. Those of the target alone count: the accompaniment is the mixture minus these, as it is
        ours.
    """

    estimates: Path = field(metadata=PLACE_ONLY)

    kind = "given audio"
    says = "Its estimates were given as audio; the accompaniment is the mixture minus these."
    option = "estimates"
    may_lack_tracks = True

    @property
    def files(self) -> Path:
        """The estimates."""
        return self.estimates

    @no_part_of_a_result("which files are read: their content is hashed")
    def on(self, test_set: str) -> "GivenAudio | None":
        """The estimates of another test set's tracks, in a folder beside that of the own ones."""
        folder = beside(self.estimates, test_set)
        return replace(self, estimates=folder) if folder.is_dir() else None

    @no_part_of_a_result("a sentence says it, and nothing reads it")
    def given_for(self, test_set: str) -> str:
        """In a folder beside that for the own set."""
        return beside_in_words(self.estimates, test_set)

    def check(self) -> None:
        """Raise UserError where there are none."""
        target_files(self.estimates, self.target)

    def match(self, tracks: Sequence[str]) -> list[str]:
        """How many of the tracks have an estimate, and by what name."""
        files, said = matched_files(self.estimates, tracks, self.target)
        return [f"Found {self.target} of {len(files)} of the {len(tracks)} test tracks.", *said]

    @contextmanager
    def opened(self, tracks: Tracks) -> Iterator[Separate]:
        """What reads a track's file."""
        files, said = matched_files(self.estimates, tracks.names, self.target)
        for sentence in said:
            tracks.say(sentence)

        def read(track: str, mixture: np.ndarray) -> Heard:
            if track not in files:
                raise UserError(f"{self.estimates} has no estimate of it.")
            return fitted(files[track], mixture)

        yield read


def matched_files(folder: Path, tracks: Sequence[str], target: str = "vocals") -> tuple[dict[str, Path], list[str]]:
    """The file with the target of each track that has one, and sentences on names that are not the same.

    Raises UserError where no track has one.
    """
    files = target_files(folder, target)
    found, said = match_names(files, tracks)
    if not found:
        raise UserError(
            f"{folder} has {target} of {_some(list(files))}, which is none of the {len(tracks)} test tracks "
            f"({_some(tracks)}): name folders or files as the tracks are named."
        )
    return {track: files[name] for track, name in found.items()}, said


def target_files(folder: Path, target: str) -> dict[str, Path]:
    """The file with the target of each track, by the name that the track has there.

    Raises UserError for a folder that is missing or has none, and for two files of one track.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}: name one with {_EXPECTED.format(target)}.")
    top = folder / "test" if (folder / "test").is_dir() else folder
    sounds = [file for file in files_below(top) if is_sound_file(file) and not is_below_hidden(file, top)]
    named = [(name, file) for file in sounds if (name := _track_of(file, top, target)) is not None]
    if not named:  # all files are of the target, where none says what it is
        named = [(file.stem, file) for file in sounds if file.parent == top and not _is_other(file.stem, target)]
    found: dict[str, Path] = {}
    for name, file in named:
        if name in found:
            raise UserError(f"{folder} has two files of {name!r}, {found[name]} and {file}: remove one.")
        found[name] = file
    if not found:
        raise UserError(f"{folder} has no {target}: expected {_EXPECTED.format(target)}.")
    return found


def _track_of(file: Path, top: Path, target: str) -> str | None:
    """The name of the track whose target a file has by its own name; None for any other file."""
    if _is_other(file.stem, target):
        return None
    names = NAMES[target]
    if plain(file.stem) in names and file.parent != top:
        return file.parent.name
    words = re.split(r"[\W_]+", file.stem.casefold())
    if not set(words) & set(names):
        return None
    pattern = rf"[\s_.-]*[(\[]?\b(?:{'|'.join(names)})\b[)\]]?.*$"
    name = re.sub(pattern, "", file.stem.replace("_", " "), flags=re.I).strip()
    return name or (file.parent.name if file.parent != top else None)


def _is_other(stem: str, target: str) -> bool:
    """Whether a file is named as the rest without the target, as another source, or as the mixture."""
    without = rf"(no|minus|without)[ _-]?({'|'.join(NAMES[target])})|{_REST}"
    others = _OTHERS.union(*(names for source, names in NAMES.items() if source not in (target, "vocals")))
    return bool(re.search(without, stem, re.I)) or plain(stem) in others


def fitted(file: Path, mixture: np.ndarray) -> Heard:
    """A file's sound as an estimate of the mixture's length, rate and channels, with what was done for that.

    Raises UserError for what cannot be read, for more than two channels, and for another length by more than half a
    second.
    """
    waveform, rate_hz = read_audio(file)
    return fit(waveform, rate_hz, mixture, file)


def fit(
    waveform: np.ndarray, rate_hz: int, like: np.ndarray, source: Path | str, like_hz: int = SAMPLE_RATE_HZ
) -> Heard:
    """The same of an array ``(channel, sample)`` that came from ``source``, made as long as another one."""
    from sepmodels.audio.resampling import resample

    said = []
    if len(waveform) == 1 < len(like):
        waveform = np.repeat(waveform, len(like), axis=0)
        said.append("is mono, which fills both channels")
    if len(waveform) != len(like):
        raise UserError(f"{source} has {len(waveform)} channels: expected {len(like)}, or one.")
    if rate_hz != like_hz:
        waveform = resample(waveform, rate_hz, like_hz)
        said.append(f"has {rate_hz} Hz and was resampled to {like_hz}, which costs what it had above")
    missing = like.shape[1] - waveform.shape[1]
    if abs(missing) > _FIT_SECONDS * like_hz:
        raise UserError(
            f"{source} is {waveform.shape[1] / like_hz:.2f} s long where its track has {like.shape[1] / like_hz:.2f} "
            "s: expected the whole track, from its first sample on."
        )
    if missing:
        more = f"{missing} samples too few, filled up with silence" if missing > 0 else f"{-missing} too many, cut"
        said.append(f"has {more} at the end")
        waveform = np.pad(waveform, ((0, 0), (0, max(missing, 0))))[:, : like.shape[1]]
    file = source if isinstance(source, Path) and not said else None
    return Heard(waveform.astype(np.float32, copy=False), tuple(said), file)


def _some(names: Sequence[str], most: int = 2) -> str:
    more = len(names) - most
    return ", ".join(map(repr, names[:most])) + (f" and {more} more" if more > 0 else "")
