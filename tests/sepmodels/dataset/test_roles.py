"""What the files of a track are, by their names, and what is told of them before anything runs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from assets.paths import Paths
from pipelines.doctor.data_checks import check_dataset
from pipelines.profiles import PROFILES, override
from sepmodels.audio import STREAMS
from sepmodels.dataset.decoding import read_track
from sepmodels.dataset.file_sentences import file_sentences
from sepmodels.dataset.health import health_table
from sepmodels.dataset.layouts import find_tracks
from sepmodels.dataset.roles import VOICE, is_voice, roles_of
from sepmodels.dataset.tracks import describe_tracks
from sepmodels.dataset.voices import sum_voices
from sepmodels.errors import UserError
from sepmodels.settings import DatasetSettings

FOLDER = DatasetSettings("folder")
RATE_HZ = 44_100


def noise(seed: int, level: float = 0.05, seconds: float = 1.2) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-level, level, (round(seconds * RATE_HZ), 2))


def write_stems(folder: Path, seed: int, **stems: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, samples) in enumerate({"vocals": noise(seed), "band": noise(seed + 50)}.items()):
        soundfile.write(folder / f"{name}.wav", stems.pop(name, samples), RATE_HZ)
        assert number < 2
    for name, samples in stems.items():
        soundfile.write(folder / f"{name}.wav", samples, RATE_HZ)
    return folder


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two tracks to train, one to validate, one to test, of two files each."""
    for seed, name in enumerate(("train/a", "train/b", "valid/c", "test/d")):
        write_stems(tmp_path / "set" / name, seed)
    return tmp_path / "set"


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("vocals", "vocals"),
        ("Vocals", "vocals"),
        ("lead vocals", "vocals"),
        ("backing_vocals", "vocals"),
        ("03_LeadVox_L", "vocals"),
        ("BackingVocals", "vocals"),
        ("Male Singer", "vocals"),
        ("vox 2", "vocals"),
        ("VOICES", "vocals"),
        ("no_vocals", "other"),
        ("NoVocals", "other"),
        ("music minus vocals", "other"),
        ("instrumental (no voice)", "other"),
        ("vocoder", "other"),
        ("piano", "other"),
        ("Drums", "drums"),
        ("bass", "bass"),
        ("mixture", "mixture"),
    ],
)
def test_a_names_words_say_what_a_file_is(name: str, role: str) -> None:
    assert roles_of([Path(f"{name}.wav")], FOLDER) == (role,)


@given(
    word=st.sampled_from(sorted(VOICE)), before=st.sampled_from(["", "lead ", "12_", "My-"]), number=st.integers(0, 99)
)
def test_every_word_for_the_voice_is_one_in_any_case_and_company(word: str, before: str, number: int) -> None:
    for written in (word, word.upper(), word.capitalize()):
        assert is_voice(f"{before}{written} {number}")
        assert not is_voice(f"no {written}")


@pytest.mark.parametrize(
    "copy",
    [
        "vocals copy",
        "vocals copy 2",
        "vocals - Copy",
        "vocals - Copy (2)",
        "Copy of vocals",
        "vocals (2)",
        "vocals (copy)",
    ],
)
def test_copies_as_file_managers_name_them_are_left_out(copy: str) -> None:
    assert roles_of([Path("vocals.wav"), Path(f"{copy}.wav")], FOLDER) == ("vocals", "")
    assert roles_of([Path(f"{copy}.wav"), Path("piano.wav")], FOLDER)[0] == "vocals"  # a copy of nothing is no copy


def test_settings_say_which_names_are_the_voice_and_which_do_not_count() -> None:
    folder = override(override(PROFILES["folder"], "dataset.vocals", "lead*, choir"), "dataset.left_out", "*take*")
    names = ["Lead 1", "choir", "backing vocals", "piano take 3"]
    roles = roles_of([Path(f"{name}.wav") for name in names], folder.dataset)
    assert roles == ("vocals", "vocals", "other", "")


def test_voices_are_summed_and_never_part_of_the_accompaniment(dataset: Path) -> None:
    write_stems(dataset / "test" / "d", 3, **{"lead vox": noise(7), "Choir": noise(8)})
    track = find_tracks(dataset, FOLDER)[-1]
    decoded = read_track(track)
    stored = {file.stem: soundfile.read(file, dtype="int16")[0].T.astype(int) for file in track.sources}
    np.testing.assert_array_equal(
        decoded.stems[STREAMS.index("vocals")], stored["vocals"] + stored["lead vox"] + stored["Choir"]
    )
    np.testing.assert_array_equal(decoded.stems[STREAMS.index("other")], stored["band"])
    assert decoded.voices == "choir, lead vox, vocals are summed"


@given(arrays(np.int16, (3, 2, 40), elements=st.integers(-9_000, 9_000), unique=True))
def test_a_voice_counts_once_however_often_it_is_there(voices: np.ndarray) -> None:
    lead, backing, third = voices
    whole = lead + backing
    total, told = sum_voices({"lead": lead, "lead again": lead.copy(), "backing": backing})
    np.testing.assert_array_equal(total, whole)
    assert "of the same samples, and left out: lead again" in told
    total, told = sum_voices({"vocals": whole, "lead": lead, "backing": backing})
    np.testing.assert_array_equal(total, whole)
    assert told == "vocals is the sum of backing, lead, and stands for them"
    total, told = sum_voices({"vocals": third})
    np.testing.assert_array_equal(total, third)
    assert told == ""


def test_what_files_are_taken_for_and_what_is_passed_over_is_told_before_anything_runs(dataset: Path) -> None:
    write_stems(dataset / "test" / "d", 3, **{"backing_vocals": noise(7), "vocals copy": noise(8)})
    (dataset / "test" / "d" / "mixture.json").write_text("{}")
    (dataset / "train" / "cover.jpg").write_bytes(b"\xff\xd8")
    soundfile.write(dataset / "train" / "loose.wav", noise(1), RATE_HZ)
    (dataset / "train" / "a" / ".old").mkdir()
    soundfile.write(dataset / "train" / "a" / ".old" / "vocals.wav", noise(1), RATE_HZ)
    (dataset / "train" / "._a").write_bytes(b"\0\5\x16\7")

    told = file_sentences(dataset, find_tracks(dataset, FOLDER))

    assert told["files"] == "The voice: backing_vocals, vocals. Accompaniment: band."
    for part in (
        "5 files",
        "left out by name: test/d/vocals copy.wav",
        "no sound: test/d/mixture.json, train/cover.jpg",
        "sound that is no part of a track: train/loose.wav",
        "hidden: train/a/.old/vocals.wav",
    ):
        assert part in told["passed_over"]
    profile = override(PROFILES["folder"], "dataset.folder", str(dataset))
    detail = check_dataset(profile, Paths(dataset.parent, "folder")).detail
    assert all(sentence in detail for sentence in told.values())


def test_several_voices_and_files_left_out_are_in_the_health_of_the_data(dataset: Path) -> None:
    write_stems(dataset / "test" / "d", 3, **{"lead vox": noise(7), "band copy": noise(8)})
    health = health_table(describe_tracks(find_tracks(dataset, FOLDER), FOLDER))
    health = health[health.fault != "with a silent stem"]
    assert health[["track", "finding"]].values.tolist() == [
        ["d", "Several files of the voice: lead vox, vocals are summed."],
        ["d", "Left out by name: band copy.wav."],
    ]


def test_stems_one_folder_deeper_and_linked_ones_are_a_track(dataset: Path, tmp_path: Path) -> None:
    write_stems(dataset / "train" / "deep" / "stems", 20)
    write_stems(tmp_path / "elsewhere", 21)
    (dataset / "train" / "linked").symlink_to(tmp_path / "elsewhere")
    write_stems(dataset / "train" / "...Baby", 22)
    names = [track.name for track in find_tracks(dataset, FOLDER)]
    assert names == ["...Baby", "a", "b", "c", "d", "deep", "linked"]
    assert len(describe_tracks(find_tracks(dataset, FOLDER), FOLDER)) == 7


def test_several_tracks_below_a_folder_that_is_none_are_told_where_they_belong(dataset: Path) -> None:
    for name in ("one", "two"):
        write_stems(dataset / "train" / "an album" / name, 30)
    with pytest.raises(UserError, match=r"an album is not a track but has 2 folders of sounds \(one, two\): move each"):
        find_tracks(dataset, FOLDER)


def test_a_voice_that_begins_late_in_its_container_is_kept_in_place_and_told(dataset: Path) -> None:
    from tests.odd_sound import ffmpeg

    voice = dataset / "test" / "d" / "vocals.wav"
    ffmpeg("-itsoffset", 0.5, "-i", voice, "-c:a", "flac", voice.with_suffix(".mka"))
    expected = soundfile.read(voice, dtype="int16")[0].T
    voice.unlink()
    decoded = read_track(find_tracks(dataset, FOLDER)[-1])
    vocals = decoded.stems[STREAMS.index("vocals")]
    half = RATE_HZ // 2
    assert not vocals[:, :half].any()
    np.testing.assert_array_equal(vocals[:, half:], expected[:, : vocals.shape[1] - half])
    assert decoded.late == ("vocals +0.50 s",)


def test_a_table_of_tracks_made_before_knows_what_was_left_out(dataset: Path) -> None:
    before = describe_tracks(find_tracks(dataset, FOLDER), FOLDER)
    write_stems(dataset / "test" / "d", 3, **{"band copy": noise(8)})
    after = describe_tracks(find_tracks(dataset, FOLDER), FOLDER, previous=before)
    assert list(after.left_out) == ["", "", "", "band copy.wav"]
    pd.testing.assert_frame_equal(after.drop(columns="left_out"), before.drop(columns="left_out"))
