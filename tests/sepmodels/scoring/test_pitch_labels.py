"""Pitch labels are read in two formats, found by their tracks' names, and looked at before they are used."""

import re
from pathlib import Path

import numpy as np
import pytest

from sepmodels.audio.io import write_audio
from sepmodels.errors import UserError
from sepmodels.scoring import score_folders
from sepmodels.scoring.pitch import Pitch, track_pitch
from sepmodels.scoring.pitch_labels import find_labels, read_labels, shift_seconds
from tests.sepmodels.scoring.test_pitch import RATE_HZ, SECONDS, sung


def labels(late: float = 0.0) -> Pitch:
    """The true pitch of the tone every 20 ms, or too late by so many seconds."""
    seconds = np.arange(0.02, SECONDS, 0.02)
    at = seconds - late
    voiced = (at > 0) & ((at < 1.0) | (at >= 1.5))
    return Pitch(seconds, np.where(voiced, np.interp(at, [0, SECONDS], (220.0, 440.0)), 0.0), voiced)


def write_pv(folder: Path, name: str, pitch: Pitch) -> Path:
    folder.mkdir(exist_ok=True)
    with np.errstate(divide="ignore"):
        notes = np.where(pitch.voiced, 69 + 12 * np.log2(pitch.hz / 440), 0.0)
    file = folder / f"{name}.pv"
    file.write_text("".join(f"{note:.4f} \n" for note in notes))
    return file


def test_both_formats_give_the_same_pitch(tmp_path: Path) -> None:
    true = labels()
    table = tmp_path / "song.csv"
    rows = zip(true.seconds, true.hz, strict=True)
    table.write_text("seconds,hz\n" + "".join(f"{at:.2f},{hz}\n" for at, hz in rows))
    for file in (table, write_pv(tmp_path, "song", true)):
        read = read_labels(file)
        np.testing.assert_allclose(read.seconds, true.seconds)
        np.testing.assert_allclose(read.hz, true.hz, rtol=1e-4)
        np.testing.assert_array_equal(read.voiced, true.voiced)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.pv", "60\nsixty\n"),
        ("a.pv", "60 61\n"),
        ("a.pv", ""),
        ("a.csv", "0.1\n0.2\n"),
        ("a.csv", "0.2,220\n0.1,220\n"),
        ("a.csv", "0.1,-220\n"),
        ("a.csv", "0.1,nan\n"),
    ],
)
def test_a_file_of_anything_else_is_named_with_what_was_expected(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=rf"{name} has no pitch labels that can be read .*seconds and Hz"):
        read_labels(tmp_path / name)


def test_labels_of_no_track_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        find_labels(tmp_path / "none", ["song"], lambda sentence: None)
    with pytest.raises(UserError, match=r"pitch labels of none of the tracks: expected TRACK.pv"):
        find_labels(tmp_path, ["song"], lambda sentence: None)


@pytest.mark.parametrize("late", [0.3, -0.2])
def test_shifted_labels_are_found_out_and_right_ones_are_not(late: float) -> None:
    tracked = track_pitch(sung(), RATE_HZ)
    assert shift_seconds(labels(), tracked) == 0
    assert shift_seconds(labels(late), tracked) == pytest.approx(late, abs=0.03)


def test_two_folders_are_scored_by_labels_and_a_track_with_shifted_or_no_labels_has_no_value(tmp_path: Path) -> None:
    rest = 0.02 * np.random.default_rng(0).standard_normal(sung().shape)
    for track in ("right", "shifted", "unlabelled"):
        for kind in ("true", "mine"):
            for stem, sound in (("vocals", sung()), ("accompaniment", rest)):
                write_audio(tmp_path / kind / track / f"{stem}.wav", sound.astype(np.float32), RATE_HZ)
    write_pv(tmp_path / "labels", "right", labels())
    write_pv(tmp_path / "labels", "shifted", labels(0.4))
    said: list[str] = []
    scores = score_folders(
        tmp_path / "true", tmp_path / "mine", measures=["RPA"], pitch=tmp_path / "labels", workers=1, say=said.append
    )
    values = scores[scores.metric == "RPA"].set_index("track").value
    assert values["right"] > 95
    assert values[["shifted", "unlabelled"]].isna().all()
    assert re.fullmatch(
        r"'shifted': shifted.pv is 0\.(39|4\d) s too late for the true vocals, and was not used\.", said[0]
    )
    assert "'unlabelled': there are no pitch labels, and so no value of RPA and OA." in said
    with pytest.raises(UserError, match="ask for them with --measures RPA,OA"):
        score_folders(tmp_path / "true", tmp_path / "mine", pitch=tmp_path / "labels")
