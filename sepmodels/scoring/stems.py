"""Folders of stems, as people and programs leave them: which file is which stem of which track."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sepmodels.audio import FULL_SCALE, SAMPLE_RATE_HZ, STREAMS
from sepmodels.audio.io import decode_int16, read_audio, stem_file_headers
from sepmodels.audio.sound_files import files_below, is_below_hidden, is_sound_file
from sepmodels.errors import UserError
from sepmodels.systems.track_names import plain

VOCALS, ACCOMPANIMENT, MIXTURE = "vocals", "accompaniment", "mixture"
_OTHER_NAMES = {
    **dict.fromkeys(("vocal", "voice", "singing"), VOCALS),
    **dict.fromkeys(("novocals", "instrumental", "minusvocals", "karaoke", "instrum"), ACCOMPANIMENT),
    "mix": MIXTURE,
}
_KNOWN = {ACCOMPANIMENT, *STREAMS, *_OTHER_NAMES}  # stems that a file may be of, with its track's name before
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


def find_stems(folder: Path) -> dict[str, TrackStems]:
    """The tracks of a folder, by name.

    Raises UserError for a folder that is missing or has no stems, and for two files of one stem.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}: name one with {_EXPECTED}.")
    top = folder / "test" if (folder / "test").is_dir() else folder
    tracks: dict[str, dict[str, Path]] = {}
    whole: dict[str, Path] = {}
    for file in files_below(top):
        if not is_sound_file(file) or is_below_hidden(file, top):
            continue
        if file.name.endswith(".stem.mp4"):
            whole[file.name.removesuffix(".stem.mp4")] = file
            continue
        track, stem = _track_and_stem(file, top)
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


def _track_and_stem(file: Path, top: Path) -> tuple[str, str]:
    """Whose stem a file is, and which; no track's where its name says neither."""
    if file.parent != top:
        return file.parent.name, stem_called(file.stem)
    for split in re.finditer(r"[\s_.(\[-]+", file.stem):
        if split.start() and plain(file.stem[split.end() :]) in _KNOWN:
            return file.stem[: split.start()], stem_called(file.stem[split.end() :])
    return "", ""


def stem_called(name: str) -> str:
    """The stem's name, the same for all ways to write it.

    >>> stem_called("Vocals"), stem_called("no_vocals"), stem_called("Lead Guitar")
    ('vocals', 'accompaniment', 'leadguitar')
    """
    written = plain(name)
    return _OTHER_NAMES.get(written, written)


def _place(name: str) -> int:
    order = (*STREAMS, ACCOMPANIMENT)
    return order.index(name) if name in order else len(order)
