"""A checkout that was renamed or copied works, with its own code."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.own_code import foreign_code
from sepmodels.errors import UserError
from tests.conftest import PROJECT


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder that looks like a copy of the checkout."""
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(PROJECT / "pyproject.toml", copy)
    return copy


def test_the_command_of_a_copy_is_refused_while_it_would_work_with_the_originals_code(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(copy / ".venv" / "bin" / "sepbench"), "run"])
    with pytest.raises(UserError, match=rf"lies in {copy}, and would work with the code in {PROJECT}.*make setup"):
        foreign_code()


def test_whoever_stands_in_another_checkout_is_told_whose_code_it_is(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copy / "docs").mkdir()
    monkeypatch.chdir(copy / "docs")
    assert f"This works with the code in {PROJECT}, not with that in {copy}" in foreign_code()
    monkeypatch.chdir(copy.parent)
    assert foreign_code() is None


@pytest.mark.parametrize("name", ["renamed", "with a blank", "a" * 120])
@pytest.mark.parametrize("before", ["old", "an old one", "b" * 120])
def test_an_environment_that_was_moved_is_noticed_and_its_scripts_start_the_python_beside_them(
    tmp_path: Path, before: str, name: str
) -> None:
    (tmp_path / before).mkdir()
    run("python3", "-m", "venv", "--without-pip", ".venv", folder=tmp_path / before)
    python = tmp_path / before / ".venv" / "bin" / "python3"
    script = tmp_path / before / ".venv" / "bin" / "pip"
    direct = f"#!{python}\n" if " " not in before and len(str(python)) < 120 else ""
    lines = direct or f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n"
    script.write_text(f"{lines}import sys\nprint(sys.prefix)\n")
    script.chmod(0o755)
    assert run("sh", PROJECT / "scripts" / "at-home", ".venv", folder=tmp_path / before).returncode == 0
    moved = (tmp_path / before).rename(tmp_path / f"{name}-now")
    assert run("sh", PROJECT / "scripts" / "at-home", ".venv", folder=moved).returncode == 1
    assert run("python3", PROJECT / "scripts" / "mend-venv", ".venv", folder=moved).returncode == 0
    assert run("sh", PROJECT / "scripts" / "at-home", ".venv", folder=moved).returncode == 0
    assert run(moved / ".venv" / "bin" / "pip", folder=moved).stdout.strip() == str(moved / ".venv")


def test_make_begins_the_environment_anew_where_it_was_moved(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "scripts", tmp_path / "scripts")
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-uv.lock"):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    stamp = tmp_path / ".venv" / ".benchmark"
    for place, is_kept in ((tmp_path, True), (Path("/elsewhere"), False)):
        (tmp_path / ".venv" / "bin" / "pip").write_text(f"#!{place}/.venv/bin/python3\n")
        stamp.touch()
        run("make", "--dry-run", "setup", folder=tmp_path)
        assert stamp.exists() is is_kept


def run(*command: object, folder: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True)
