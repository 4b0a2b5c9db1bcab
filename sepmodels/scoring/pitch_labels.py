"""Pitch labels that come with a dataset: which file is of which track, and whether it fits the singing."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from sepmodels.errors import UserError
from sepmodels.progress import Say
from sepmodels.scoring.pitch import NO_PITCH, Pitch, track_pitch
from sepmodels.scoring.signals import to_float64
from sepmodels.systems.track_names import match_names

MIR_1K_HOP_SECONDS, MIR_1K_FRAME_SECONDS = 0.02, 0.04
SUFFIXES = (".pv", ".csv", ".f0", ".txt")
_MOST_SHIFT_SECONDS, _STEP_SECONDS = 2.0, 0.01
_LEAST_SHIFT_SECONDS, _LEAST_GAIN = 0.05, 0.1  # what is named: more than trackers differ by
_CENTS = 50.0


def find_labels(folder: Path, tracks: Iterable[str], say: Say) -> dict[str, Path]:
    """The file of labels of each track that has one; what is matched loosely is said.

    Raises UserError where there is no folder, or no file of any track.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}: name one with pitch labels, TRACK.pv or TRACK.csv.")
    files = {file.stem: file for file in sorted(folder.iterdir()) if file.suffix in SUFFIXES}
    matched, sentences = match_names(files, list(tracks))
    for sentence in sentences:
        say(sentence)
    if not matched:
        raise UserError(
            f"{folder} has pitch labels of none of the tracks: expected TRACK.pv (MIR-1K) or TRACK.csv (seconds, Hz)."
        )
    return {track: files[name] for track, name in matched.items()}


def read_labels(file: Path) -> Pitch:
    """The pitch of a file.

    ``.pv``, as MIR-1K has it: a line for each frame of 40 ms, 20 ms apart, a MIDI note number, 0 where nothing is sung.
    Others: two columns, seconds and Hz, with 0 where nothing is sung, with or without a heading.

    Raises UserError for anything else.
    """
    try:
        lines = [line.replace(",", " ").split() for line in file.read_text(encoding="utf-8").splitlines()]
        rows = [line for line in lines if line]
        if rows and any(letter.isalpha() for letter in rows[0][0]):
            rows = rows[1:]
        values = np.array(rows, dtype=np.float64)
    except (OSError, ValueError) as fault:
        raise _unreadable(file, str(fault)) from None
    columns = 1 if file.suffix == ".pv" else 2
    if values.ndim != 2 or values.shape[1] != columns or not np.isfinite(values).all() or (values < 0).any():
        raise _unreadable(file, f"{columns} column{'s' * (columns > 1)} of numbers, 0 or more, were expected")
    if file.suffix == ".pv":
        notes = values[:, 0]
        seconds = np.arange(len(notes), dtype=np.float64) * MIR_1K_HOP_SECONDS + MIR_1K_FRAME_SECONDS / 2
        hz = np.asarray(440 * np.exp2((notes - 69) / 12), np.float64)
        return Pitch(seconds, np.where(notes > 0, hz, 0.0), notes > 0)
    seconds, hz = values.T
    if (np.diff(seconds) <= 0).any():
        raise _unreadable(file, "its times do not rise")
    return Pitch(seconds, hz, hz > 0)


def labels_of(
    files: Mapping[str, Path] | None, track: str, vocals: np.ndarray, sample_rate_hz: int, said: list[str]
) -> Pitch | None:
    """The labels of a track; None where the dataset has none, and none that could be used where they do not fit.

    files: of the tracks that have labels; None: the dataset has none. vocals: the true ones, ``(channel, sample)``.
    said: takes a clause on what could not be used.
    """
    if files is None:
        return None
    if track not in files:
        said.append("there are no pitch labels, and so no value of RPA and OA")
        return NO_PITCH
    labels = read_labels(files[track])
    late = shift_seconds(labels, track_pitch(to_float64(vocals, vocals.shape[-1]), sample_rate_hz))
    if not late:
        return labels
    side = "late" if late > 0 else "early"
    said.append(f"{files[track].name} is {abs(late):.2f} s too {side} for the true vocals, and was not used")
    return NO_PITCH


def _unreadable(file: Path, why: str) -> UserError:
    return UserError(
        f"{file} has no pitch labels that can be read ({why}): expected a note number a line in .pv, or seconds and Hz."
    )


def shift_seconds(labels: Pitch, tracked: Pitch) -> float:
    """By how much labels are late against the pitch that was tracked in the true vocals; 0 where they fit.

    Labels are taken for shifted where another place within two seconds makes a tenth more of the frames agree.
    """
    steps = round(_MOST_SHIFT_SECONDS / _STEP_SECONDS)
    shifts = np.arange(-steps, steps + 1) * _STEP_SECONDS
    agreeing = np.array([_agreeing(labels, tracked, shift) for shift in shifts])
    best = int(np.argmax(agreeing))
    fits = abs(shifts[best]) < _LEAST_SHIFT_SECONDS or agreeing[best] - agreeing[steps] < _LEAST_GAIN
    return 0.0 if fits else float(shifts[best])


def _agreeing(labels: Pitch, tracked: Pitch, shift: float) -> float:
    """The share of the sung frames of the labels in which the tracker heard the same, ``shift`` earlier."""
    places = np.searchsorted(tracked.seconds, labels.seconds[labels.voiced] - shift)
    inside = (places > 0) & (places < len(tracked.seconds))
    there = places[inside]
    cents = 1200 * np.abs(np.log2(tracked.hz[there] / labels.hz[labels.voiced][inside]))
    right = tracked.voiced[there] & (cents <= _CENTS)
    return float(right.sum() / max(1, int(labels.voiced.sum())))
