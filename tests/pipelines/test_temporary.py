"""Temporary files lie where sockets fit and where there is room, and whoever has no room is told the place."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest

from assets.paths import Paths
from pipelines.running.runner import run_assets
from pipelines.temporary import LONGEST, use_short_folder
from sepmodels.errors import UserError
from sepmodels.machine.disk_room import require_room
from tests.conftest import PROJECT

Usage = namedtuple("Usage", "total used free")

# Dagster's way to start a step: it listens at an address below the folder for temporary files.
FORKSERVER = """
import multiprocessing
if __name__ == "__main__":
    process = multiprocessing.get_context("forkserver").Process(target=print, args=("started",))
    process.start()
    process.join()
"""


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that makes a folder of so many bytes that for temporary files."""

    def make(size: int) -> Path:
        folder = tmp_path / ("a" * (size - len(os.fsencode(tmp_path)) - 1))
        folder.mkdir()
        monkeypatch.setenv("TMPDIR", str(folder))
        monkeypatch.setattr(tempfile, "tempdir", None)
        return folder

    return make


def test_where_the_path_is_too_long_for_sockets_a_short_folder_is_used_by_children_too(deep, tmp_path: Path) -> None:
    deep(max(LONGEST + 1, len(os.fsencode(tmp_path)) + 9))
    use_short_folder()
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == "/tmp"


def test_a_forkserver_starts_below_the_longest_path_that_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        folder = root / ("b" * (LONGEST - len(os.fsencode(root)) - 1))
        folder.mkdir()
        (tmp_path / "step.py").write_text(FORKSERVER)
        monkeypatch.setenv("TMPDIR", str(folder))
        done = subprocess.run([sys.executable, tmp_path / "step.py"], cwd=PROJECT, capture_output=True, text=True)
        assert done.stdout == "started\n", done.stderr
    finally:
        shutil.rmtree(root)


def test_where_no_short_folder_can_be_written_to_that_is_told(deep, tmp_path: Path, monkeypatch) -> None:
    folder = deep(max(LONGEST + 1, len(os.fsencode(tmp_path)) + 9))
    monkeypatch.setattr("pipelines.temporary.SHORT", (str(tmp_path / "not there"),))
    with pytest.raises(UserError, match=rf"{folder}, is too long for sockets.* name another folder with TMPDIR"):
        use_short_folder()


def test_a_run_without_room_for_temporary_files_is_not_begun_and_the_place_is_named(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("sepmodels.machine.disk_room.shutil.disk_usage", lambda place: Usage(10**7, 10**7 - 1000, 1000))
    with pytest.raises(
        UserError, match=rf"{tmp_path} has 0 MB free, and .* takes about 20 MB there: make room, or name"
    ):
        run_assets(Paths(tmp_path / "data", "demo"), "refresh", [], None)
    assert not (tmp_path / "data").exists()


def test_room_is_asked_of_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    require_room(tmp_path / "not" / "yet", 1, "a training", "name another")
    with pytest.raises(UserError, match=rf"{tmp_path}/not/yet has \d+ MB free, and a training takes about 1000000"):
        require_room(tmp_path / "not" / "yet", 10**18, "a training", "name another data folder")
