"""A folder is where the person who names it stands, for every process that works there."""

import json
import os
from pathlib import Path

import pytest

from assets.paths import PROJECT, data_folder
from pipelines.options import advised, use_options
from pipelines.profiles import chosen_profile
from sepmodels.errors import UserError

NAMES = [("out", "here/out"), ("./a/../out", "here/out"), ("..", "."), ("~", "home"), ("~/out", "home/out")]
VARIABLES = ("SEPBENCH_DATA", "SEPBENCH_DATASET", "SEPBENCH_OVERRIDES", "SEPBENCH_PROFILE", "TMPDIR")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person's working directory, and their home; no variables but those of a test."""
    (tmp_path / "here").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "")


def seen_by_a_child(monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str | None]:
    """The data folder and the dataset, as processes find them that work in the project's folder."""
    monkeypatch.chdir(PROJECT)
    return data_folder(), chosen_profile().dataset.folder


@pytest.mark.parametrize(("name", "meant"), NAMES)
def test_folders_in_variables_are_where_the_person_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.setenv("SEPBENCH_DATA", name)
    monkeypatch.setenv("SEPBENCH_DATASET", name)
    profile, paths = use_options("folder")
    whole = (tmp_path / meant).resolve()
    assert (paths.data, profile.dataset.folder) == (whole, str(whole))
    assert seen_by_a_child(monkeypatch) == (whole, str(whole))


@pytest.mark.parametrize(("name", "meant"), NAMES)
def test_folders_in_options_and_settings_are_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    whole = (tmp_path / meant).resolve()
    use_options("folder", data=Path(name), settings=[f"dataset.folder={name}"])
    assert seen_by_a_child(monkeypatch) == (whole, str(whole))
    assert str(whole) in advised("run", chosen_profile())


def test_a_folder_among_the_settings_in_a_variable_is_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPBENCH_OVERRIDES", json.dumps({"dataset.folder": "stems"}))
    use_options("folder")
    assert seen_by_a_child(monkeypatch)[1] == str(tmp_path / "here" / "stems")


@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_variable_names_no_folder(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SEPBENCH_DATA", text)
    monkeypatch.setenv("SEPBENCH_DATASET", text)
    profile, paths = use_options()
    assert (paths.data, profile.dataset.folder) == (PROJECT / "data", None)


def test_the_folder_for_temporary_files_is_the_same_for_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", "tmp")
    use_options()
    assert os.environ["TMPDIR"] == str(tmp_path / "here" / "tmp")


def test_the_home_of_nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPBENCH_DATA", "~nobody-of-that-name/out")
    with pytest.raises(UserError, match="no user with the home folder ~nobody-of-that-name: name another"):
        use_options()
