"""A dataset that no run could begin with is refused before anything is made or remembered."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from assets.paths import Paths
from pipelines.dataset_look import require_dataset
from pipelines.profiles import PROFILES
from pipelines.setting_values import override
from sepmodels.errors import UserError
from tests.whole.test_command_line import sepbench


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "songs").mkdir()
    return tmp_path / "songs"


@pytest.fixture
def look(folder: Path, tmp_path: Path) -> Callable[[str], None]:
    def look_at(profile: str) -> None:
        chosen = override(PROFILES[profile], "dataset.folder", str(folder))
        require_dataset(chosen, Paths(tmp_path / "data", profile))

    return look_at


def write_tracks(folder: Path, count: int = 4) -> None:
    for number in range(count):
        for stem in ("vocals", "drums"):
            file = folder / f"Track {number}" / f"{stem}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"not listened to")


def test_a_folder_with_tracks_is_taken_by_the_names_of_its_files(folder: Path, look: Callable[[str], None]) -> None:
    with pytest.raises(UserError, match="no train tracks"):
        look("folder")
    write_tracks(folder)
    look("folder")


def test_the_demo_takes_an_empty_folder_and_none_with_other_files(folder: Path, look: Callable[[str], None]) -> None:
    look("demo")
    (folder / "letter.txt").touch()
    with pytest.raises(UserError, match=r"letter\.txt is not one of the demo songs"):
        look("demo")


@pytest.mark.parametrize(
    ("profile", "said"),
    [("demo", "letter.txt is not one of the demo songs"), ("folder", "has no train tracks")],
)
@pytest.mark.parametrize("words", [("run", "--dataset", "{}"), ("settings", "set", "dataset.folder={}")])
def test_a_folder_that_cannot_be_used_is_not_remembered(
    words: tuple[str, ...], profile: str, said: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "letter.txt").touch()
    done = sepbench(*(word.format(folder) for word in words), "-p", profile, "--data", tmp_path / "data")
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert not list((tmp_path / "data").rglob("settings.toml"))


def test_a_folder_that_has_gone_can_be_taken_out_of_the_settings(folder: Path, tmp_path: Path) -> None:
    write_tracks(folder)
    here = ["-p", "folder", "--data", tmp_path / "data"]
    assert sepbench("settings", "set", f"dataset.folder={folder}", *here).returncode == 0
    shutil.rmtree(folder)
    done = sepbench("settings", "unset", "dataset.folder", *here)
    assert (done.returncode, done.stdout) == (0, "No setting of folder is changed.\n"), done.stderr


@pytest.mark.parametrize("words", [("run",), ("sweep", "open_unmix")])
@pytest.mark.parametrize(
    ("profile", "said"), [("folder", "does not exist: name a folder"), ("musdb18-7s", "--accept-licence")]
)
def test_a_run_without_a_dataset_ends_before_it_begins(
    profile: str, said: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    done = sepbench(*words, "-p", profile, "--data", tmp_path)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert not list(tmp_path.rglob("*.db"))
