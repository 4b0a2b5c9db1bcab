"""Folders of stems, as people and programs leave them: which file is which stem of which track."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sepmodels.audio import FULL_SCALE, SAMPLE_RATE_HZ, STREAMS
from sepmodels.audio.io import decode_int16, read_audio, stem_file_headers
from sepmodels.audio.sound_files import files_below, is_below_hidden, is_sound_file
from sepmodels.errors import UserError
from sepmodels.systems.stem_names import ACCOMPANIMENT, MIXTURE, last_words, read_names, require_one, stem_called

_NAMED = {ACCOMPANIMENT, *STREAMS}  # stems that a file may be of, with its track's name before
_EXPECTED = "TRACK/vocals.wav, TRACK_vocals.wav or TRACK.stem.mp4, in test/ or not"


@dataclass(frozen=True)
class TrackStems:
    """One track: the file of each stem, by the stem's name. ``whole``: a file of five streams in place of these."""

    files: Mapping[str, Path]
    whole: Path | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The stems, in MUSDB's order where they are MUSDB's; without the mixture."""
        found = STREAMS if self.whole else sorted(self.files, key=lambda name: (_place(name), name))
        return tuple(name for name in found if name != MIXTURE)

    def read(self) -> dict[str, tuple[np.ndarray, int]]:
        """The sound of each stem, the mixture too: float32 ``(channel, sample)`` and its rate in Hz.

        Raises UserError as :func:`~sepmodels.audio.io.read_audio` does.
        """
        if self.whole is None:
            return {name: read_audio(file) for name, file in self.files.items()}
        streams = decode_int16(self.whole, stem_file_headers(self.whole)).astype(np.float32) / FULL_SCALE
        return {name: (stream, SAMPLE_RATE_HZ) for name, stream in zip(STREAMS, streams, strict=True)}


def find_stems(folder: Path, known: Sequence[str] = ()) -> dict[str, TrackStems]:
    """The tracks of a folder, by name.

    known: names of tracks, by which files as ``TRACK_vocals`` are read: "Oh No_vocals" is one of "Oh No", or of "Oh"
        without vocals.

    Raises UserError for a folder that is missing or has no stems, for two files of one stem, and for a file that may be
    of two tracks.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}: name one with {_EXPECTED}.")
    top = folder / "test" if (folder / "test").is_dir() else folder
    tracks: dict[str, dict[str, Path]] = {}
    whole: dict[str, Path] = {}
    sounds = [file for file in files_below(top) if is_sound_file(file) and not is_below_hidden(file, top)]
    read = _read_names([file.stem for file in sounds if file.parent == top], known)
    for file in sounds:
        if file.name.endswith(".stem.mp4"):
            whole[file.name.removesuffix(".stem.mp4")] = file
            continue
        track, stem = read[file.stem] if file.parent == top else (file.parent.name, stem_called(file.stem))
        if not track:
            continue
        if stem in tracks.setdefault(track, {}):
            raise UserError(f"{folder} has two files of {stem} of {track!r}: {tracks[track][stem]} and {file}.")
        tracks[track][stem] = file
    if twice := [name for name in tracks if name in whole]:
        raise UserError(f"{folder} has {twice[0]!r} as a folder of stems and as {whole[twice[0]]}: remove one.")
    found = {name: TrackStems(files) for name, files in tracks.items()}
    found |= {name: TrackStems({}, file) for name, file in whole.items()}
    if not any(one.names for one in found.values()):
        raise UserError(f"{folder} has no stems: expected {_EXPECTED}.")
    return {name: found[name] for name in sorted(found) if found[name].names}


def _read_names(names: Sequence[str], known: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Whose stem a file of each name is, and which; no track's where it says neither."""
    read = {}
    for name, (one, ways) in read_names(names, known).items():
        last = last_words(ways)
        # where tracks are known and it is of none of them, it is not scored, whatever it is
        found = one or (last[0] if known and last else require_one(name, last))
        read[name] = (found.track, found.stem) if found and found.stem in _NAMED else ("", "")
    return read


def _place(name: str) -> int:
    order = (*STREAMS, ACCOMPANIMENT)
    return order.index(name) if name in order else len(order)
