"""A lock lets one in at a time, on every file system, and is free when the one who had it is gone."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sepmodels.machine.folder_lock import OWNER, TAKING, TAKING_SECONDS, FolderLock, Taken, note_of
from sepmodels.machine.identity import HOST_VARIABLE, process_named, this_process
from tests.conftest import PROJECT
from tests.sepmodels.machine.test_heartbeat import make_old

HOLD = """
import sys
from pathlib import Path
from sepmodels.machine.folder_lock import FolderLock
with FolderLock(Path(sys.argv[1]), "theirs").acquire():
    print("held", flush=True)
    input()
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "locks" / "one.held"


@contextmanager
def held_elsewhere(place: Path, host: str = "") -> Iterator[subprocess.Popen]:
    """Another process has the lock; of another machine, if one is named."""
    environment = {**os.environ, HOST_VARIABLE: host}
    command = [sys.executable, "-c", HOLD, str(place)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=PROJECT, env=environment, text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_it_is_held_within_the_block_and_leaves_nothing(place: Path) -> None:
    with FolderLock(place, "mine").acquire() as lock:
        assert note_of(place) == "mine"
        lock.rewrite("still mine")
        with pytest.raises(Taken, match="still mine"):
            FolderLock(place).acquire(wait=False)
    assert note_of(place) == ""
    assert not list(place.parent.iterdir())


def test_who_waits_is_told_once_for_whom_and_comes_in_when_the_other_leaves(place: Path) -> None:
    told: list[str] = []

    def met(note: str) -> None:
        told.append(note)
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()

    with held_elsewhere(place) as process, FolderLock(place).acquire(met=met):
        assert told == ["theirs"]


def test_a_lock_of_a_process_that_was_killed_is_taken_at_once(place: Path) -> None:
    with held_elsewhere(place) as process:
        process.kill()
        process.wait()
        with FolderLock(place).acquire(wait=False):
            assert note_of(place) == ""


def test_a_lock_of_another_machine_is_taken_when_nothing_was_heard_of_it_for_a_while(place: Path) -> None:
    with held_elsewhere(place, "another machine") as process:
        with pytest.raises(Taken, match="theirs"):
            FolderLock(place).acquire(wait=False)
        process.kill()
        process.wait()
        with pytest.raises(Taken):  # killed, but nobody here can know
            FolderLock(place).acquire(wait=False)
        make_old(place / OWNER)
        with FolderLock(place, "ours").acquire(wait=False):
            assert note_of(place) == "ours"


def test_of_a_lock_that_was_taken_from_one_who_was_cut_off_nothing_is_undone_when_that_one_leaves(place: Path) -> None:
    with held_elsewhere(place, "another machine") as process:
        make_old(place / OWNER)
        with FolderLock(place, "ours").acquire(wait=False):
            process.communicate("\n")
            assert note_of(place) == "ours"


def test_it_is_held_as_long_as_a_child_lives_that_shares_it(place: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        with held_elsewhere(place):
            owner = json.loads((place / OWNER).read_text())
            shared = {**owner, "processes": [*owner["processes"], process_named(child.pid)]}
            (place / OWNER).write_text(json.dumps(shared))
        with pytest.raises(Taken):
            FolderLock(place).acquire(wait=False)
        child.kill()
        child.wait()
    with FolderLock(place).acquire(wait=False) as lock, subprocess.Popen([sys.executable, "-c", "1"]) as child:
        lock.share(child.pid)
        assert json.loads((place / OWNER).read_text())["processes"] == [this_process(), process_named(child.pid)]


def test_what_a_process_left_when_it_was_interrupted_is_not_held_by_it(place: Path) -> None:
    lock = FolderLock(place).acquire()
    lock.release = lambda: None  # type: ignore[method-assign] # interrupted right before
    with pytest.raises(Taken):
        FolderLock(place).acquire(wait=False)
    FolderLock.release(lock)
    place.mkdir()
    (place / OWNER).write_text(json.dumps({"token": "of before", "processes": [this_process()], "note": ""}))
    with FolderLock(place).acquire(wait=False):
        pass


def test_a_folder_without_a_name_is_nobodys_whatever_is_in_it_and_nothing_is_left_of_it(place: Path) -> None:
    place.mkdir(parents=True)
    (place / ".half written").touch()
    for _ in range(2):
        with FolderLock(place).acquire(wait=False):
            assert (place / OWNER).exists()
    assert not list(place.parent.iterdir())


def test_on_a_full_disk_a_lock_that_is_held_stays_and_is_free_afterwards(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, *_: object, **__: object) -> None:
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with FolderLock(place, "mine").acquire() as lock, monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space left"):
            lock.rewrite("more")
        with pytest.raises(OSError, match="No space left"):
            FolderLock(place.with_name("other.held")).acquire()
        assert note_of(place) == "mine"
    assert not list(place.parent.iterdir())


def test_whoever_was_killed_while_taking_a_lock_stands_in_nobodys_way(place: Path) -> None:
    place.mkdir(parents=True)
    (place / OWNER).write_text(json.dumps({"token": "gone", "processes": [f"{this_process()}1"], "note": ""}))
    (place / TAKING).mkdir()
    make_old(place / TAKING, 2 * TAKING_SECONDS)
    with FolderLock(place).acquire():
        pass


COUNT = """
import sys, time
from pathlib import Path
from sepmodels.machine.folder_lock import FolderLock
folder = Path(sys.argv[1])
for _ in range(20):
    with FolderLock(folder / "count.held").acquire():
        number = int((folder / "count").read_text())
        time.sleep(0.001)
        (folder / "count").write_text(str(number + 1))
"""


def test_of_many_who_count_together_each_is_counted_though_one_was_killed_with_the_lock(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    with held_elsewhere(tmp_path / "count.held") as process:
        process.kill()
        process.wait()
    hosts = ["", "", "one", "two"]
    commands = [sys.executable, "-c", COUNT, str(tmp_path)]
    began = [subprocess.Popen(commands, cwd=PROJECT, env={**os.environ, HOST_VARIABLE: host}) for host in hosts]
    assert [one.wait() for one in began] == [0] * len(hosts)
    assert (tmp_path / "count").read_text() == str(20 * len(hosts))
    assert [one.name for one in tmp_path.iterdir()] == ["count"]
