"""Two-channel karaoke: the voice on one channel of a file, the accompaniment on the other.

As in MIR-1K (C.-L. Hsu and J.-S. R. Jang, "On the Improvement of Singing Voice Separation for Monaural Recordings Using
the MIR-1K Dataset", IEEE Transactions on Audio, Speech, and Language Processing, 2010), which has the accompaniment on
the left and the voice on the right. Each file is a track.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sepmodels.audio.sound_files import files_below, is_below_hidden, is_sound_file
from sepmodels.dataset.artists import artist_of
from sepmodels.dataset.splits import SPLITS
from sepmodels.dataset.stem_files import StemFile
from sepmodels.errors import UserError
from sepmodels.marks import words_only

OTHER_CHANNEL = {"left": "right", "right": "left"}
_ROWS = {"left": 0, "right": 1}


def karaoke_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Each track's split ("" where there are no folders of splits) and its file."""
    for split in _splits(folder):
        places = _folders_of_sounds(folder / split)
        if len(places) == 1:
            yield from ((split, file) for file in _sounds_in(places[0]))


def karaoke_faults(folder: Path) -> Iterator[str]:
    """Folders of which it cannot be told which one has the tracks."""
    for split in _splits(folder):
        if len(places := _folders_of_sounds(folder / split)) > 1:
            names = ", ".join(place.relative_to(folder).as_posix() for place in places[:3])
            yield (
                f"{folder / split} has {len(places)} folders of sounds ({names}): name the one with the two-channel "
                "files (--dataset DIR), or move the others elsewhere."
            )


def _splits(folder: Path) -> list[str]:
    return [split for split in SPLITS if (folder / split).is_dir()] or [""]


def _folders_of_sounds(folder: Path) -> list[Path]:
    """The folder itself where it has sound files, or else those below it that have."""
    if _sounds_in(folder):
        return [folder]
    found = dict.fromkeys(file.parent for file in files_below(folder) if is_sound_file(file))
    return [place for place in found if not is_below_hidden(place, folder)]


def _sounds_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if is_sound_file(file) and not is_below_hidden(file, folder))


def singer(name: str) -> str:
    """Who sings: what stands before the first " - ", or else before the first "_".

    >>> singer("abjones_1_01"), singer("Young Griffo - Pennies_2")
    ('abjones', 'Young Griffo')
    """
    return artist_of(name) if " - " in name else name.split("_", maxsplit=1)[0]


def channels_of(path: Path, file: StemFile, voice_channel: str) -> dict[str, np.ndarray]:
    """The vocals and the accompaniment of a file, each int16 (2, sample): one channel that fills both.

    Raises :class:`UserError` for a file that has not two different channels.
    """
    if file.mono:
        raise one_channel(path)
    if np.array_equal(*file.samples):
        raise UserError(
            f"{path} has the same sound on both channels, where karaoke has the voice on one and the accompaniment on "
            "the other: replace or remove it, or set dataset.voice_channel=none."
        )
    vocals = _ROWS[voice_channel]
    rows = {"vocals": vocals, "accompaniment": 1 - vocals}
    return {role: np.repeat(file.samples[row : row + 1], 2, axis=0) for role, row in rows.items()}


@words_only
def one_channel(path: Path) -> UserError:
    return UserError(
        f"{path} has one channel, where karaoke has the voice on one and the accompaniment on the other: replace or "
        "remove it, or set dataset.voice_channel=none."
    )


def channels_sentence(voice_channel: str) -> str:
    """Which channel is what.

    >>> channels_sentence("right")
    'Each file is a track: the voice is its right channel, the accompaniment its left one.'
    """
    other = OTHER_CHANNEL[voice_channel]
    return f"Each file is a track: the voice is its {voice_channel} channel, the accompaniment its {other} one."
