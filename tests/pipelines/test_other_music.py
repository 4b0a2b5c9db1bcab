"""Test sets beside a profile's own, as they are named on the command line and kept."""

import io
import os
from pathlib import Path

import pytest

from pipelines.doctor.data_checks import check_test_sets
from pipelines.options import use_options
from pipelines.profiles import chosen_profile, fix_settings
from pipelines.remembering import remember, say_left_behind, set_settings, take_back
from pipelines.settings_file import read_settings
from pipelines.terminal import Terminal
from sepmodels.errors import UserError
from tests.karaoke_clips import write_clips


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("SEPBENCH_DATASET", "SEPBENCH_PROFILE", "SEPBENCH_OVERRIDES"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("SEPBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(write_clips(tmp_path / "songs", ("ann_1", "bob_1")).parent)
    return tmp_path / "data"


def run_with(*also: str) -> Path:
    """As `sepbench run --also ...` does; gives the settings' file."""
    chosen, paths = use_options("demo", also=also)
    remember(chosen, paths, Terminal(file=io.StringIO()), also=also)
    return paths.settings_file


def test_a_set_is_kept_with_its_whole_path_for_every_command_and_process(tmp_path: Path) -> None:
    run_with("one=songs:voice=right")
    expected = (f"one={tmp_path / 'songs'}:voice=right",)
    profile, paths = use_options("demo")
    assert profile.test_sets == chosen_profile({}).test_sets == expected
    assert f'test_sets = ["{expected[0]}"]' in paths.settings_file.read_text()
    fix_settings(profile)
    assert chosen_profile(os.environ).test_sets == expected


def test_another_set_stands_beside_those_of_before_and_one_of_the_same_name_in_its_place(tmp_path: Path) -> None:
    run_with("one=songs:voice=right")
    run_with("two=songs:voice=left")
    run_with("one=songs:voice=left")
    songs = tmp_path / "songs"
    assert use_options("demo")[0].test_sets == (f"one={songs}:voice=left", f"two={songs}:voice=left")


@pytest.mark.parametrize("wrong", ["one=nowhere", "one=songs", "One=songs:voice=right", "demo=songs:voice=right"])
def test_a_set_that_cannot_be_is_refused_before_anything_is_made_or_kept(
    wrong: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError):
        run_with(wrong)
    assert not data.exists()
    monkeypatch.setenv("SEPBENCH_OVERRIDES", "")  # of the command that has ended
    _, paths = use_options("demo")
    with pytest.raises(UserError):
        set_settings(paths, [f"test_sets={wrong}"])
    assert not data.exists()


def test_a_set_that_a_run_could_not_use_is_taken_out_again_and_what_was_there_before_is_back(tmp_path: Path) -> None:
    songs = tmp_path / "songs"
    run_with("one=songs:voice=right")
    also = ("one=songs:voice=left", "two=songs:voice=right", "three=songs:voice=right")
    profile, paths = use_options("demo", also=also)
    console = Terminal(file=io.StringIO(), width=300)
    before = remember(profile, paths, console, also=also)
    take_back(profile, paths, console, before, ["open_unmix/checkpoint", "stems/train"])
    assert use_options("demo")[0].test_sets == profile.test_sets
    take_back(profile, paths, console, before, ["tracks/one", "stems/two"])
    assert use_options("demo")[0].test_sets == (f"one={songs}:voice=right", f"three={songs}:voice=right")
    said = console.file.getvalue().splitlines()[-1]
    assert said.startswith(f"Not kept in {paths.settings_file}, because this run could not use it: test_sets.")


def test_a_folder_in_the_file_is_meant_from_the_file_s_place_on(tmp_path: Path) -> None:
    file = run_with("one=songs:voice=right")
    file.write_text('test_sets = ["one=../../songs:voice=right"]')
    assert use_options("demo")[0].test_sets == (f"one={tmp_path / 'songs'}:voice=right",)
    assert read_settings(file, use_options("demo")[0]).test_sets == (f"one={tmp_path / 'songs'}:voice=right",)


def test_a_setting_that_names_none_takes_them_out() -> None:
    run_with("one=songs:voice=right")
    _, paths = use_options("demo")
    set_settings(paths, ["test_sets=none"])
    assert use_options("demo")[0].test_sets == ()


def test_a_folder_with_a_comma_is_refused_and_a_link_to_it_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a,b").mkdir()
    (tmp_path / "songs").rename(tmp_path / "a,b" / "songs")
    _, paths = use_options("demo")
    for give in (
        lambda text: run_with(text),
        lambda text: set_settings(paths, [f"test_sets={text}"]),
    ):
        with pytest.raises(UserError, match=r"of the test set one cannot have a comma.*make a link"):
            give(f"one={tmp_path / 'a,b' / 'songs'}:voice=right")
    (tmp_path / "link").symlink_to(tmp_path / "a,b" / "songs")
    run_with("one=link:voice=right")
    assert use_options("demo")[0].test_sets == (f"one={tmp_path / 'link'}:voice=right",)


def test_of_a_set_that_is_taken_out_it_is_said_what_may_be_deleted(tmp_path: Path) -> None:
    run_with("one=songs:voice=right", "two=songs:voice=right")
    _, paths = use_options("demo")
    for name in ("one", "two"):
        (paths.root / "test_sets" / name / "stems").mkdir(parents=True)
        (paths.root / "test_sets" / name / "stems" / "a.npy").write_bytes(bytes(2_000_000))
    set_settings(paths, [f"test_sets=two={tmp_path / 'songs'}:voice=right"])
    console = Terminal(file=io.StringIO())
    say_left_behind(use_options("demo")[0], paths, console)
    folder = paths.root / "test_sets" / "one"
    assert (
        console.file.getvalue() == f"What was made on one is still there, 2 MB: you may delete the folder {folder}.\n"
    )


def test_the_doctor_says_how_many_tracks_a_set_has_and_what_is_missing(tmp_path: Path) -> None:
    run_with("one=songs:voice=right")
    profile, _ = use_options("demo")
    assert check_test_sets(profile).detail == f"one: 2 tracks in {tmp_path / 'songs'}"
    (tmp_path / "songs").rename(tmp_path / "elsewhere")
    found = check_test_sets(profile)
    assert found.status == "fail"
    assert "The test set one: there is no folder" in found.detail
