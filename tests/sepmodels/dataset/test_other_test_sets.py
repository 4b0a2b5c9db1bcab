"""Test sets beside a profile's own: how they are named, and what can be wrong with them."""

import shutil
from pathlib import Path

import pytest
import soundfile

from assets.graph import benchmark_steps
from pipelines.profiles import PROFILES
from sepmodels.dataset.other_test_sets import (
    check_test_sets,
    dataset_settings,
    other_test_sets,
    read_test_set,
    require_tracks,
)
from sepmodels.errors import UserError
from sepmodels.systems import known_systems
from tests.karaoke_clips import NAMES, clip, write_clips

OWN = PROFILES["musdb18-7s"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("songs", "has no folder: write NAME=DIR"),
        ("songs=", "has no folder: write NAME=DIR"),
        ("My Songs=/a", "cannot be called 'My Songs': use small letters, digits and _ only"),
        ("train=/a", "cannot be called 'train', which has a meaning already"),
        ("checkpoint=/a", "cannot be called 'checkpoint', which has a meaning already"),
        ("scores=/a", "cannot be called 'scores', which has a meaning already"),
        ("songs=/a,b", r"cannot have a comma in its name here \(/a,b\): make a link"),
        ("songs=/a:voice=up", "cannot have voice=up: expected left or right"),
        ("songs=/a:rate=8", "cannot have 'rate': expected of voice, split"),
    ],
)
def test_a_text_that_names_no_test_set_is_a_sentence_that_says_what_was_expected(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_test_set(text)


def test_no_set_is_called_as_a_part_of_the_graph_is() -> None:
    parts = {name for step in benchmark_steps(OWN, known_systems().values()) for name in step.path[-2:]}
    for name in {*parts, "measures"} - {*known_systems()}:
        with pytest.raises(UserError, match="which has a meaning already"):
            read_test_set(f"{name}=/a")


def test_a_folder_may_have_colons_and_equals_signs_in_its_name() -> None:
    one = read_test_set("songs=/a:b=c/d:voice=left:split=all")
    assert (one.folder, one.voice, one.split) == ("/a:b=c/d", "left", "all")
    assert read_test_set(one.text) == one


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        (("songs=/a", "songs=/b"), "There are two test sets 'songs'"),
        (("demo=/a",), "cannot be called 'demo', as the profile is"),
    ],
)
def test_two_sets_of_one_name_and_one_called_as_the_profile_are_refused(sets: tuple[str, ...], words: str) -> None:
    with pytest.raises(UserError, match=words):
        check_test_sets(sets, "demo")


def test_a_profile_has_none_of_its_own() -> None:
    assert all(other_test_sets(profile) == () for profile in PROFILES.values())


def test_all_clips_of_a_folder_are_tested(tmp_path: Path) -> None:
    tracks = require_tracks(read_test_set(f"songs={write_clips(tmp_path / 'clips')}:voice=right"))
    assert {(track.name, track.split) for track in tracks} == {(name, "test") for name in NAMES}


def test_two_channel_files_are_taken_for_karaoke_only_where_it_is_known_which_channel_is_the_voice(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "MIR-1K"
    write_clips(folder / "Wavfile")
    with pytest.raises(UserError, match=f"say on which channel the voice is: songs={folder}:voice=right"):
        require_tracks(read_test_set(f"songs={folder}"))
    (folder / "UnvoicedFrameLabel").mkdir()  # as MIR-1K is handed out
    assert dataset_settings(read_test_set(f"songs={folder}")).voice_channel == "right"
    assert len(require_tracks(read_test_set(f"songs={folder}"))) == len(NAMES)


def test_of_a_folder_with_splits_the_test_split_counts_unless_another_is_named(tmp_path: Path, stem_dataset: Path):
    def tracks(more: str = "") -> set[str]:
        return {track.name for track in require_tracks(read_test_set(f"songs={stem_dataset}{more}"))}

    assert tracks() == {"Artist 4 - Song 4", "Artist 5 - Song 5"}
    assert len(tracks(":split=all")) == 6
    shutil.copytree(stem_dataset / "train", tmp_path / "only" / "train")
    with pytest.raises(UserError, match=r"has no tracks in test: .*songs=.*:split=all"):
        require_tracks(read_test_set(f"songs={tmp_path / 'only'}"))


def test_a_missing_folder_an_empty_one_and_one_with_mixtures_alone_are_told_by_the_set_s_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="The test set songs: there is no folder"):
        require_tracks(read_test_set(f"songs={tmp_path / 'nowhere'}"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"The test set songs: .*empty has no sound"):
        require_tracks(read_test_set(f"songs={tmp_path / 'empty'}"))
    (tmp_path / "mixtures" / "A song").mkdir(parents=True)
    soundfile.write(tmp_path / "mixtures" / "A song" / "mixture.wav", clip(1), 16_000)
    with pytest.raises(UserError, match="With mixtures alone nothing can be scored"):
        require_tracks(read_test_set(f"songs={tmp_path / 'mixtures'}"))
