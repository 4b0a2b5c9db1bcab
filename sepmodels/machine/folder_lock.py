"""A lock on a folder that several machines share: a folder, put in its place with the name of who has it.

Only one of those who try succeeds, on every file system: a folder that is not empty is never replaced. ``flock`` was
seen to let two machines in at once on NFS and Lustre. What it does by itself is done here by looking: the lock says who
has it, and whoever waits takes it from a process that is gone. On its own machine that is seen at once; of another
machine's, by its silence (:mod:`sepmodels.machine.heartbeat`).
"""

import errno
import json
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sepmodels.machine.heartbeat import age_seconds, beating, is_silent, keep_beating
from sepmodels.machine.identity import is_alive, process_named, this_process

LOOK_SECONDS = 0.2
TAKING_SECONDS = 10.0  # within which whoever takes a lock from one who is gone has done so
OWNER, TAKING = "owner.json", "taking"
_HELD: set[str] = set()  # tokens of this process: what it left when it was interrupted is not held by it


class Taken(Exception):
    """Somebody has the lock; says for what."""


class FolderLock:
    """A lock that is held within a ``with`` block.

    Of a machine that is cut off for longer than :data:`~sepmodels.machine.heartbeat.SILENT_SECONDS`, or a process of
    it that is stopped for as long, the lock is taken by others.
    """

    def __init__(self, place: Path, note: str = "") -> None:
        """place: a folder that is there while the lock is held. note: for those who meet it."""
        self.place = place
        self.note = note
        self._token = secrets.token_hex(8)
        self._beat = beating(self._owner)

    @property
    def _owner(self) -> Path:
        return self.place / OWNER

    @property
    def _aside(self) -> Path:
        """Where the folder is made ready, and where it goes in the end."""
        return self.place.with_name(f".{self._token}-{self.place.name}")

    def acquire(self, *, wait: bool = True, met: Callable[[str], None] = lambda note: None) -> Self:
        """Take the lock; gives itself, to be used in a ``with`` statement.

        wait: until it is free; else raises :class:`Taken`, with the note of who has it. met: is told that note once.
        Raises OSError where nothing can be written.
        """
        self.place.parent.mkdir(parents=True, exist_ok=True)
        told = False
        _HELD.add(self._token)
        while not self._try():
            if not told:
                note = note_of(self.place)
                if not wait:
                    _HELD.discard(self._token)
                    raise Taken(note)
                met(note)
                told = True
            time.sleep(LOOK_SECONDS)
        return self

    def __enter__(self) -> Self:
        self._beat.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beat.__exit__(kind, error, trace)
        self.release()

    def release(self) -> None:
        """Let go of it, if it has not been taken meanwhile."""
        if _read(self._owner).get("token") == self._token:
            with suppress(OSError):
                self.place.rename(self._aside)
                shutil.rmtree(self._aside)
        _HELD.discard(self._token)

    def share(self, number: int) -> None:
        """Let it be held as long as a child process lives, too; the child goes on with :func:`keep_held`."""
        self._write([this_process(), process_named(number)])

    def rewrite(self, note: str) -> None:
        """Say something else to those who meet it."""
        self.note = note
        self._write(_read(self._owner).get("processes", [this_process()]))

    def _try(self) -> bool:
        if self.place.exists():
            left_by = self._left_by()
            return left_by is not None and self._take(left_by)
        try:
            self._aside.mkdir()
            (self._aside / OWNER).write_text(self._content([this_process()]), encoding="utf-8")
            self._aside.rename(self.place)
        except OSError as fault:
            shutil.rmtree(self._aside, ignore_errors=True)
            if fault.errno in (errno.ENOTEMPTY, errno.EEXIST):  # another one was quicker
                return False
            raise
        return True

    def _left_by(self) -> str | None:
        """The token of the one who had it and is gone; empty where none is written; None where somebody has it."""
        owner = _read(self._owner)
        if not owner:
            return "" if self.place.exists() else None
        if owner["processes"] == [this_process()] and owner["token"] not in _HELD:
            return str(owner["token"])
        alive = [is_alive(process) for process in owner["processes"]]
        if any(alive) or (None in alive and not is_silent(self._owner, self.place.parent)):
            return None
        return str(owner["token"])

    def _take(self, left_by: str) -> bool:
        """Take it from one who is gone; only one of those who try may go on."""
        taking = self.place / TAKING
        try:
            taking.mkdir()
        except FileExistsError:
            with suppress(OSError):
                if age_seconds(taking, self.place.parent) > TAKING_SECONDS:  # killed right here
                    taking.rmdir()
            return False
        except FileNotFoundError:
            return False
        try:
            if _read(self._owner).get("token", "") != left_by:
                return False
            self._write([this_process()])
        except FileNotFoundError:
            return False
        finally:
            with suppress(OSError):
                taking.rmdir()
        return True

    def _write(self, processes: list[str]) -> None:
        temporary = self.place / f".{self._token}"
        try:
            temporary.write_text(self._content(processes), encoding="utf-8")
            temporary.replace(self._owner)
        finally:
            temporary.unlink(missing_ok=True)

    def _content(self, processes: list[str]) -> str:
        return json.dumps({"token": self._token, "processes": processes, "note": self.note})


def keep_held(place: Path) -> None:
    """For a child that :meth:`FolderLock.share` named: show other machines that the lock is held until it ends."""
    keep_beating(place / OWNER)


def note_of(place: Path) -> str:
    """What the one who has the lock says; empty where nobody has it."""
    return str(_read(place / OWNER).get("note", ""))


def _read(owner: Path) -> dict[str, Any]:
    """Who has a lock; nothing where it is not written, or not yet in full."""
    try:
        found = json.loads(owner.read_text(encoding="utf-8"))
        return {"token": str(found["token"]), "processes": list(found["processes"]), "note": str(found["note"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
