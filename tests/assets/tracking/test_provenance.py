"""Each run names the commit that it was made by, or it is said why not."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from assets.tracking import edits
from assets.tracking.edits import can_be_applied, code_edits
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


# Edits


@pytest.fixture
def code(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout, with a module that is committed."""
    monkeypatch.setattr("assets.tracking.edits.PROJECT", checkout)
    (checkout / "sepmodels").mkdir()
    (checkout / "sepmodels/losses.py").write_bytes(b"one = 1\r\ntwo = 2\n")
    by = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["add", "."], [*by, "commit", "-q", "-m", "second"]):
        subprocess.run(["git", *words], cwd=checkout, check=True)
    return checkout


def test_the_code_of_a_commit_has_no_edits(code: Path) -> None:
    (code / "data").mkdir()
    (code / "data" / "song.wav").write_text("not code")
    assert code_edits(["it was asked for"]) == ""


def test_a_patch_with_the_reasons_makes_the_edited_code_of_the_commit_new_files_too(code: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "config", "diff.noprefix", "true"], cwd=code, check=True)
    clean = tmp_path / "clean"
    subprocess.run(["git", "clone", "-q", str(code), str(clean)], check=True)
    edited = {"sepmodels/losses.py": b"one = 1\r\ntwo = 'zw\xc3\xb6lf'\n", "sepmodels/it's new.py": b"three = 3"}
    for name, content in edited.items():
        (code / name).write_bytes(content)

    patch = code_edits(["losses.py changed", "a seed was added"])

    assert patch.splitlines()[1:3] == ["Made because: losses.py changed.", "Made because: a seed was added."]
    assert can_be_applied(patch)
    (tmp_path / "edits.patch").write_bytes(patch.encode())
    subprocess.run(["git", "apply", str(tmp_path / "edits.patch")], cwd=clean, check=True)
    for name, content in edited.items():
        assert (clean / name).read_bytes() == content


def test_edits_that_are_too_large_are_not_kept_and_that_is_said(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "MOST_BYTES", 1000)
    (code / "sepmodels/losses.py").write_text("one = 1\n" * 1000)
    patch = code_edits()
    assert patch.endswith("They are more than 1,000 bytes, and were not kept.\n")
    assert not can_be_applied(patch)


def test_what_is_no_checkout_has_no_edits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.tracking.provenance.PROJECT", tmp_path)
    assert code_edits() == ""
