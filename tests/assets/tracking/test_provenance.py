"""Each run names the commit that it was made by, or it is said why not."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from assets.tracking.provenance import git_refusal, git_state
from tests.conftest import PROJECT


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of one commit, whose settings of git are this test's alone."""
    for name, text in {"HOME": tmp_path, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": tmp_path / "git"}.items():
        monkeypatch.setenv(name, str(text))
    project = tmp_path / "it's here"
    project.mkdir()
    shutil.copy(PROJECT / "pyproject.toml", project)
    by = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], [*by, "commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *words], cwd=project, check=True)
    monkeypatch.setattr("assets.tracking.provenance.PROJECT", project)
    return project


@pytest.mark.usefixtures("checkout")
def test_a_run_names_the_commit() -> None:
    assert git_refusal() is None
    assert len(git_state()["mlflow.source.git.commit"]) == 40


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_checkout_of_another_user_is_told_with_what_to_do_and_that_helps(checkout: Path) -> None:
    os.chown(checkout, 12_345, 12_345)
    os.chown(checkout / ".git", 12_345, 12_345)
    refusal = git_refusal()
    assert "belongs to another user; trust it by `git config --global --add safe.directory" in refusal
    assert git_state() == {"git.refused": refusal}
    subprocess.run(refusal.split("`")[1], shell=True, check=True)
    assert len(git_state()["mlflow.source.git.commit"]) == 40


@pytest.mark.usefixtures("checkout")
def test_a_checkout_without_git_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "git cannot be run" in git_refusal()


def test_a_folder_that_is_no_checkout_has_nothing_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.tracking.provenance.PROJECT", tmp_path)
    assert git_refusal() is None
    assert git_state() == {}


def test_the_commit_of_a_repository_around_the_installed_package_is_not_taken_for_ours(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "site-packages").mkdir()
    monkeypatch.setattr("assets.tracking.provenance.PROJECT", checkout / "site-packages")
    assert git_refusal() is None
    assert git_state() == {}
