"""A pack that was kept is called by its commit."""

import subprocess
from pathlib import Path

import pytest

from assets.paths import Paths
from pipelines.packing.kept import kept_pack, result_named
from sepmodels.errors import UserError
from tests.conftest import PROJECT

COMMITS = ("1a2b3c4d5e6f", "1a2b99999999", "77ff00112233", "77ff00112233-edited")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path / "data", "demo")
    found.packs.mkdir(parents=True)
    for commit in COMMITS:
        (found.packs / f"{commit}.zip").touch()
    return found


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("1a2b3", "1a2b3c4d5e6f"),
        ("1a2b3c4d5e6f7a8b9c0d", "1a2b3c4d5e6f"),
        ("77ff", "77ff00112233"),
        ("77ff00112233-edited", "77ff00112233-edited"),
        ("77ff0-edited", "77ff00112233-edited"),
        ("77ff001122334455-edited", "77ff00112233-edited"),
    ],
)
def test_the_first_characters_of_a_commit_are_enough(paths: Paths, name: str, file: str) -> None:
    assert result_named(name, paths) == paths.packs / f"{file}.zip"


def test_a_branch_or_tag_stands_for_its_commit(paths: Paths) -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    (paths.packs / f"{head[:12]}.zip").touch()
    assert result_named("HEAD", paths) == paths.packs / f"{head[:12]}.zip"
    assert kept_pack(paths).stem.removesuffix("-edited") == head[:12]


def test_what_lies_there_comes_before_a_commit_and_a_zip_file_is_never_one(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "77ff").mkdir()
    assert result_named(str(tmp_path / "77ff"), paths) == tmp_path / "77ff"
    assert result_named(str(tmp_path / "gone.zip"), paths) == tmp_path / "gone.zip"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("1a2b", "'1a2b' is the beginning of 2 commits: 1a2b3c4d5e6f, 1a2b99999999. Name one of them."),
        ("abcd", "'abcd' is no pack, no folder, and no commit whose result was kept. Those of demo are 1a2b3c4d5e6f"),
        ("--exec", "'--exec' is no pack, no folder, and no commit"),
        ("no such branch", "`sepbench pack --keep` keeps that of the code as it is."),
    ],
)
def test_what_names_none_or_several_is_refused(paths: Paths, name: str, said: str) -> None:
    with pytest.raises(UserError) as fault:
        result_named(name, paths)
    assert said in str(fault.value)


def test_without_a_commit_a_pack_needs_a_name(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.packing.kept.git_state", dict)
    with pytest.raises(
        UserError, match="There is no git commit that a pack could be called by: name a file with --out"
    ):
        kept_pack(paths)
