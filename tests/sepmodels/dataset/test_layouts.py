import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from sepmodels.dataset.layouts import find_tracks
from sepmodels.dataset.splits import musdb_validation_tracks
from sepmodels.dataset.track import Track
from sepmodels.errors import UserError
from sepmodels.settings import DatasetLayout, DatasetSettings

HQ_FILES = ("mixture.wav", "drums.wav", "bass.wav", "other.wav", "vocals.wav")


def fill(folder: Path, paths: Iterable[str]) -> Path:
    """Files that are there and hold something: what finding tracks looks at."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"content")
    return folder


def find(folder: Path, layout: DatasetLayout, **settings) -> tuple[Track, ...]:
    return find_tracks(folder, DatasetSettings(layout, **settings))


def splits(tracks: Iterable[Track]) -> dict[str, str]:
    return {track.name: track.split for track in tracks}


def fault(folder: Path, layout: DatasetLayout) -> str:
    with pytest.raises(UserError) as error:
        find(folder, layout)
    return str(error.value)


# MUSDB18's layouts


def test_stem_files_are_tracks_sorted_by_name_with_the_split_of_their_folder(tmp_path: Path) -> None:
    fill(tmp_path, [f"train/song {n}.stem.mp4" for n in range(9, 0, -1)] + ["test/a.stem.mp4", "train/readme.txt"])
    tracks = find(tmp_path, "stems")
    assert [track.name for track in tracks] == ["a", *(f"song {n}" for n in range(1, 10))]
    assert tracks[0] == Track("a", "test", (tmp_path / "test" / "a.stem.mp4",))
    assert sorted(track.split for track in tracks) == ["test"] + ["train"] * 8 + ["valid"]
    assert find(tmp_path, "stems") == tracks


@pytest.mark.parametrize("layout", ["stems", "wav"])
def test_musdb_data_has_musdbs_own_validation_tracks(tmp_path: Path, layout: DatasetLayout) -> None:
    official = sorted(musdb_validation_tracks())[:5]
    for name in [*official, "a", "b", "c"]:
        fill(tmp_path / "train", [f"{name}.stem.mp4", *(f"{name}/{file}" for file in HQ_FILES)])
    fill(tmp_path / "test", ["d.stem.mp4", *(f"d/{file}" for file in HQ_FILES)])
    found = splits(find(tmp_path, layout))
    assert {name for name, split in found.items() if split == "valid"} == set(official)
    assert found["d"] == "test"


def test_the_demo_has_a_draw_even_if_a_track_is_named_as_musdbs(tmp_path: Path) -> None:
    names = [sorted(musdb_validation_tracks())[0], *(f"song {n}" for n in range(20))]
    fill(tmp_path, [*(f"train/{name}.stem.mp4" for name in names), "test/a.stem.mp4"])
    assert list(splits(find(tmp_path, "demo")).values()).count("valid") == 3


def test_wav_tracks_are_folders_of_five_files(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "test/c"):
        fill(tmp_path / name, HQ_FILES)
    tracks = find(tmp_path, "wav")
    assert [track.name for track in tracks] == ["a", "b", "c"]
    assert sorted(source.name for source in tracks[0].sources) == sorted(HQ_FILES)


@pytest.mark.real_data
def test_the_real_clips_have_80_training_14_validation_and_50_test_tracks(musdb18_7s: Path) -> None:
    found = list(splits(find(musdb18_7s, "stems")).values())
    assert [found.count(split) for split in ("train", "valid", "test")] == [80, 14, 50]


# A folder per track


def test_a_flat_folder_is_split_by_a_seeded_draw_of_whole_artists(tmp_path: Path) -> None:
    for number in range(24):
        fill(tmp_path, [f"Artist {number // 2} - Song {number}/{file}" for file in ("vocals.mp3", "piano.flac")])
    found = splits(find(tmp_path, "folder"))
    assert [list(found.values()).count(split) for split in ("train", "valid", "test")] == [16, 2, 6]
    for split in ("train", "valid", "test"):
        artists = {name.split(" - ")[0] for name, its in found.items() if its == split}
        assert artists.isdisjoint(name.split(" - ")[0] for name, its in found.items() if its != split)
    assert splits(find(tmp_path, "folder", split_seed=7)) != found


def test_split_folders_decide_where_there_are_any(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "valid/c", "test/d"):
        fill(tmp_path / name, ["Vocals.WAV", "rest.ogg", "notes.txt", "cover.jpg"])
    tracks = find(tmp_path, "folder")
    assert splits(tracks) == {"a": "train", "b": "train", "c": "valid", "d": "test"}
    assert sorted(source.name for source in tracks[0].sources) == ["Vocals.WAV", "rest.ogg"]


def test_formats_are_what_ffmpeg_reads_and_folders_without_audio_are_no_tracks(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "test/c"):
        fill(tmp_path / name, ["vocals.w64", "drums.mp2", "vocals.lab", "mixture.json", "take 2.mkv"])
        (tmp_path / name / "bass.unheard_of").write_bytes(b"fLaC and so on")
    fill(tmp_path / "train/artwork", ["cover.jpg"])
    tracks = find(tmp_path, "folder")
    assert set(splits(tracks)) == {"a", "b", "c"}
    names = ["bass.unheard_of", "drums.mp2", "take 2.mkv", "vocals.w64"]
    assert sorted(source.name for source in tracks[0].sources) == names


@pytest.mark.parametrize(
    ("beside", "advice"),
    [
        ("validation/d/vocals.wav", "validation has tracks, but lies beside train and test: call it valid, move it"),
        ("dev/d.stem.mp4", "dev has tracks, but lies beside train and test: call it valid, move it"),
        ("d/vocals.wav", "d has tracks, but lies beside train and test: move it there, or elsewhere"),
        ("d.stem.mp4", "d.stem.mp4 has tracks, but lies beside train and test: move it there"),
    ],
)
def test_a_track_that_lies_beside_the_splits_is_not_passed_over(tmp_path: Path, beside: str, advice: str) -> None:
    for name in ("train/a", "train/b", "test/c"):
        fill(tmp_path / name, ["vocals.wav", "rest.wav"])
    fill(tmp_path, ["notes/readme.txt", "cover.jpg"])
    assert len(find(tmp_path, "folder")) == 3
    fill(tmp_path, [beside])
    assert advice in fault(tmp_path, "folder")


def test_splits_in_capitals_are_told_their_names(tmp_path: Path) -> None:
    fill(tmp_path, ["Train/a/vocals.wav", "Train/b/vocals.wav", "Test/c/vocals.wav"])
    assert f"; call {tmp_path / 'Test'} test" in fault(tmp_path, "folder")


def test_a_folder_may_hold_stem_files_and_folders_of_stems_alike(tmp_path: Path) -> None:
    fill(tmp_path, ["train/a.stem.mp4", "train/b/vocals.mp3", "train/b/band.flac", "test/c.stem.mp4", "test/cover.jpg"])
    assert set(splits(find(tmp_path, "folder"))) == {"a", "b", "c"}


@pytest.mark.parametrize("lacking", [0, 1])
def test_a_folder_with_all_of_musdbs_validation_tracks_is_musdb(tmp_path: Path, lacking: int) -> None:
    official = sorted(musdb_validation_tracks())[lacking:]
    fill(tmp_path, [*(f"train/{name}.stem.mp4" for name in [*official, "a", "b"]), "test/c.stem.mp4"])
    found = splits(find(tmp_path, "folder"))
    held_out = {name for name, split in found.items() if split == "valid"}
    assert (held_out == musdb_validation_tracks()) == (lacking == 0)


@pytest.mark.parametrize(
    ("layout", "file", "other"),
    [("stems", "train/a/vocals.wav", "musdb18hq"), ("wav", "train/a.stem.mp4", "musdb18")],
)
def test_a_dataset_of_another_layout_is_told_which_profiles_read_it(
    tmp_path: Path, layout: DatasetLayout, file: str, other: str
) -> None:
    fill(tmp_path, [file])
    assert f"which the profiles {other} and folder read" in fault(tmp_path, layout)


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, ["train/a.stem.mp4", "train/b.stem.mp4", "train/._a.stem.mp4", "test/c.stem.mp4", ".git/x"])
    assert [track.name for track in find(tmp_path, "stems")] == ["a", "b", "c"]


# Bad input


@pytest.mark.parametrize("layout", ["demo", "stems", "wav", "folder"])
def test_a_folder_that_is_missing_or_empty_is_told_what_belongs_there(tmp_path: Path, layout: DatasetLayout) -> None:
    assert f"{tmp_path / 'none'} does not exist: name a folder with " in fault(tmp_path / "none", layout)
    assert re.search(r"has no train tracks: .* was expected", fault(tmp_path, layout))


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_dataset_without_train_or_test_is_an_error(tmp_path: Path, split: str) -> None:
    fill(tmp_path / split, ["a.stem.mp4", "b.stem.mp4"])
    other = "test" if split == "train" else "train"
    assert f"has no {other} tracks: train/*.stem.mp4 and test/*.stem.mp4 was expected" in fault(tmp_path, "stems")


def test_a_dataset_one_level_deeper_is_pointed_at(tmp_path: Path) -> None:
    fill(tmp_path / "musdb18", ["train/a.stem.mp4", "test/b.stem.mp4"])
    assert f"did you mean {tmp_path / 'musdb18'}?" in fault(tmp_path, "stems")


def test_one_training_track_is_too_few(tmp_path: Path) -> None:
    fill(tmp_path, ["train/a.stem.mp4", "test/b.stem.mp4"])
    assert "two are needed, one for validation" in fault(tmp_path, "stems")


def test_all_that_is_wrong_is_listed_at_once(tmp_path: Path) -> None:
    for name in ("train/good", "train/fine", "test/well"):
        fill(tmp_path / name, ["vocals.wav", "drums.wav"])
    fill(tmp_path / "train/no voice", ["drums.wav"])
    fill(tmp_path / "train/voice alone", ["vocals.wav"])
    fill(tmp_path / "train/two voices", ["vocals.wav", "vocals.flac", "bass.wav"])
    fill(tmp_path / "test/good", ["vocals.wav", "bass.wav"])
    fill(tmp_path / "train/empty", ["vocals.wav", "bass.wav"])
    (tmp_path / "train/empty/bass.wav").write_bytes(b"")
    message = fault(tmp_path, "folder")
    assert message.count("\n  - ") == 5
    for part in (
        "'good' is there 2 times",
        "'no voice' in train has no vocals, nor a file named like the voice (drums)",
        "'voice alone' in train has nothing but vocals",
        "'two voices' in train has 2 files named 'vocals'",
        f"{tmp_path / 'train/empty/bass.wav'} is empty",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("files", "advice"),
    [
        (["drums.wav", "Mix.wav"], "has a file 'mix', which would be heard twice: call it mixture, or remove it"),
        (["drums.wav", "instrumental.mp3"], "has a file 'instrumental' beside other stems, which would be heard twice"),
        (["mixture.wav", "accompaniment.wav"], ""),
    ],
)
def test_a_sum_of_other_stems_is_not_taken_for_one_more(tmp_path: Path, files: list[str], advice: str) -> None:
    for name in ("train/a", "train/b", "test/c"):
        fill(tmp_path / name, ["vocals.wav", *files])
    if advice:
        assert advice in fault(tmp_path, "folder")
    else:
        assert len(find(tmp_path, "folder")) == 3


def test_a_track_of_wav_files_that_lacks_stems_is_told_which(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "test/c"):
        fill(tmp_path / name, HQ_FILES)
    (tmp_path / "train/b/bass.wav").unlink()
    (tmp_path / "train/b/mixture.wav").unlink()
    assert "'b' in train has no mixture, bass" in fault(tmp_path, "wav")


@pytest.mark.parametrize("name", [b"caf\xe9", b"two\nlines", b"x" * 230])
def test_a_name_that_cannot_be_kept_is_asked_to_be_changed(tmp_path: Path, name: bytes) -> None:
    fill(tmp_path, ["train/a.stem.mp4", "train/b.stem.mp4", "test/c.stem.mp4"])
    odd = os.fsencode(tmp_path / "train") + b"/" + name + b".stem.mp4"
    Path(os.fsdecode(odd)).write_bytes(b"content")
    assert "cannot name files and table rows: rename it" in fault(tmp_path, "stems")


def test_without_ffmpeg_nothing_is_listed_but_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "apt-get install ffmpeg" in fault(tmp_path, "stems")
