"""A file is renewed while a process lives, and its silence is measured by the clock of its disk."""

import os
import time
from pathlib import Path

import pytest

from sepmodels.machine import heartbeat
from sepmodels.machine.heartbeat import SILENT_SECONDS, age_seconds, beating, is_silent


def make_old(file: Path, seconds: float = 2 * SILENT_SECONDS) -> None:
    when = time.time() - seconds
    os.utime(file, (when, when))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "sign"
    made.touch()
    return made


def test_a_file_that_was_not_renewed_for_a_while_is_silent_and_one_that_is_gone_too(file: Path) -> None:
    assert not is_silent(file)
    make_old(file)
    assert is_silent(file)
    assert is_silent(file.with_name("never made"))
    assert age_seconds(file) == pytest.approx(2 * SILENT_SECONDS, abs=60)
    assert [one.name for one in file.parent.iterdir()] == ["sign"]


def test_it_is_renewed_until_the_last_who_asked_has_left(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "_BEATS", heartbeat._Beats())
    with beating(file):
        with beating(file):
            pass
        make_old(file)
        until = time.monotonic() + 30
        while is_silent(file) and time.monotonic() < until:
            time.sleep(0.01)
        assert not is_silent(file)
    time.sleep(0.1)
    make_old(file)
    time.sleep(0.1)
    assert is_silent(file)


def test_one_that_is_gone_is_not_made_again_and_ends_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "EVERY_SECONDS", 0.01)
    beats = heartbeat._Beats()
    monkeypatch.setattr(heartbeat, "_BEATS", beats)
    with beating(file):
        file.unlink()
        time.sleep(0.1)
        assert not file.exists()
        assert beats.thread is not None
        assert beats.thread.is_alive()
