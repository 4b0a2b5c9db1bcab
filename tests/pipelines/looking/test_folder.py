"""Before anything runs, a folder is shown as it would be read."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from pipelines.looking.folder import look
from sepmodels.audio.io import write_audio
from sepmodels.errors import UserError
from sepmodels.settings import DatasetSettings

SOUND = np.random.default_rng(0).uniform(-0.2, 0.2, (2, 4 * 44_100)).astype(np.float32)


def write(folder: Path, *files: str, sound: np.ndarray = SOUND) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        write_audio(folder / file, sound, 44_100)


def seen(folder: Path, *, each: bool = False, **settings: object) -> tuple[bool, str]:
    console = Console(file=io.StringIO(), width=120)
    fine = look(folder, DatasetSettings("folder", **settings), console, each=each)
    return fine, console.file.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for track in ("train/One", "train/Two", "test/Three"):
        write(tmp_path, f"{track}/lead vox.wav", f"{track}/piano.wav", f"{track}/drums.wav")
    write(tmp_path, "test/Four/vocals.wav", "test/Four/mixture.wav")
    return tmp_path


def test_tracks_that_are_alike_share_a_row(folder: Path) -> None:
    (folder / "train" / "One" / "notes.txt").touch()
    fine, said = seen(folder)
    assert fine
    rows = [" ".join(line.split()) for line in said.splitlines()[1:5]]
    assert rows == [
        "1 test lead vox drums, piano none 44100 Hz, stereo 0.1",
        "1 test vocals none mixture 44100 Hz, stereo 0.1",
        "1 train lead vox drums, piano none 44100 Hz, stereo 0.1",
        "1 valid lead vox drums, piano none 44100 Hz, stereo 0.1",
    ]
    assert "Passed over: 1 file (no sound: train/One/notes.txt)." in said


def test_each_track_has_a_row_where_that_is_asked_for_and_a_rule_of_one_s_own_counts(folder: Path) -> None:
    _, said = seen(folder, each=True, vocals=("piano", "vocals"))
    rows = [" ".join(line.split()) for line in said.splitlines()[1:5]]
    assert {row.split()[0] for row in rows} == {"One", "Two", "Three", "Four"}
    assert sum("piano drums, lead vox" in row for row in rows) == 3


def test_all_that_is_wrong_is_said_below_the_table(folder: Path) -> None:
    (folder / "train" / "Two" / "lead vox.wav").unlink()
    fine, said = seen(folder)
    assert not fine
    assert "train" in said
    assert "'Two' in train has no vocals, nor a file named like the voice (drums, piano)" in said


def test_a_file_that_is_no_sound_is_named(folder: Path) -> None:
    (folder / "train" / "One" / "piano.wav").write_bytes(b"no sound at all" * 100)
    fine, said = seen(folder)
    assert not fine
    assert "piano.wav" in said


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        seen(tmp_path / "none")


def test_of_karaoke_the_channels_are_shown_and_a_file_with_one_channel_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a_1.wav", "b_1.wav", "c_1.wav")
    fine, said = seen(tmp_path, voice_channel="left")
    assert fine
    assert "1 test left channel right channel their sum 44100 Hz, stereo 0.1" in " ".join(said.split())
    assert "Each file is a track: the voice is its left channel" in said
    write(tmp_path, "d_1.wav", sound=SOUND[:1])
    fine, said = seen(tmp_path, voice_channel="left")
    assert not fine
    assert "d_1.wav has one channel, where karaoke has the voice on one" in said


def test_tracks_of_different_rates_are_said_with_what_it_does_to_scores(folder: Path) -> None:
    write_audio(folder / "train" / "One" / "piano.wav", SOUND, 16_000)
    fine, said = seen(folder)
    assert fine
    assert "The tracks have different rates: 1 at 16,000 Hz, 3 at 44,100 Hz. Each is scored at its own" in said


def test_by_a_mapping_file_names_are_shown_without_their_track_s_and_its_faults_are_listed(tmp_path: Path) -> None:
    songs = ("One", "Two", "Three")
    write(tmp_path, *(f"{song} - {stem}.wav" for song in songs for stem in ("vox", "mix")))
    rules = 'file_names = "{track} - {stem}"\nvocals = ["vox"]\nmixture = ["mix"]'
    (tmp_path / "stems.toml").write_text(rules)
    fine, said = seen(tmp_path)
    assert fine
    assert "1 test vox none mix 44100 Hz, stereo 0.1" in " ".join(said.split())
    assert "By stems.toml, the files of 3 tracks are: 3 mixture, 3 vocals." in said
    assert "Passed over" not in said
    write(tmp_path, "One - kazoo.wav")
    fine, said = seen(tmp_path)
    assert not fine
    assert "No rule of stems.toml takes One - kazoo.wav" in said
