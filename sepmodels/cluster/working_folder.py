"""A part that a worker was sent by object storage: its own folder, in which the head's paths lie again.

What the part reads is linked there from the node's cache; what it changes is uploaded while it works, so that another
worker can go on from it, and once more in the end.
"""

import os
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sepmodels.cluster.engine import Unreached
from sepmodels.cluster.node_cache import NodeCache, Stamp
from sepmodels.cluster.orders import files_below, is_below
from sepmodels.cluster.part import Part, PartFolder, Result, part_from
from sepmodels.cluster.storage import Storage
from sepmodels.errors import UserError
from sepmodels.files import hash_file
from sepmodels.machine.folder_lock import FolderLock, Taken
from sepmodels.progress import Say

SEND_SECONDS = 2.0
TRIES = 5
WAIT_SECONDS = 10.0

Marks = tuple[int, int, int]


class WorkingFolder:
    """The place of one order on this node."""

    def __init__(self, url: str, cache: NodeCache, name: str) -> None:
        self.storage = Storage(url)
        self.cache = cache
        self._order = f"orders/{name}"
        self._worker = secrets.token_hex(4)
        self.path = cache.folder / "work" / f"{name}-{self._worker}"
        self.view = self.path / "files"
        self.folder = PartFolder(self.path / "part")
        self.part: Part | None = None
        self._given: dict[str, Marks] = {}
        self._known: dict[Marks, Stamp] = {}
        self._sent: dict[str, Stamp] = {}
        self._told = 0
        self._told_bytes = 0
        self._untold = b""
        self._last = self._listed({}, [])
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="sending", daemon=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """The folder is there within the block; those that killed workers left on this node are removed."""
        for other in (self.cache.folder / "work").glob("*"):
            with suppress(Taken, OSError), FolderLock(other / "held").acquire(wait=False):
                shutil.rmtree(other, ignore_errors=True)
        self.folder.path.mkdir(parents=True)
        try:
            with FolderLock(self.path / "held").acquire():
                yield
        finally:
            shutil.rmtree(self.path, ignore_errors=True)

    def is_wanted(self) -> bool:
        """Whether there is such an order."""
        return bool(self.storage.read(f"{self._order}/order.json"))

    def prepare(self, say: Say) -> Part:
        """Fetch all that the part reads; gives the part as it is here. Raises :class:`Unreached`, and UserError."""
        order = self.storage.read(f"{self._order}/order.json")
        if not order:
            raise Unreached("It was taken back.")
        part = part_from(order["part"])
        files = {path: Stamp(**stamp) for path, stamp in order["inputs"].items()}
        fetched = self.cache.place({self._here(path): stamp for path, stamp in files.items()}, self.storage, say)
        for path in part.files.makes:  # the folders in which the head makes it are there
            self._here(path).parent.mkdir(parents=True, exist_ok=True)
        self._given = {path: _marks(self._here(path)) for path in files}
        if files:
            whole = sum(one.size for one in files.values())
            say(f"Of {whole / 1e6:.1f} MB, {fetched / 1e6:.1f} MB came from the storage.")
        self._go_on_from_saved()
        self.part = part  # from here on changes are sent
        return replace(part, arguments=self._moved(part.arguments, part.files.roots))

    def _go_on_from_saved(self) -> None:
        """What a worker of the same order has saved, if its job was begun again."""
        saved = self.storage.read(f"{self._order}/saved.json")
        for path, found in saved.get("changed", {}).items():
            place, stamp = self._here(path), Stamp(**found)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            name = f"{self._files(saved['worker'])}/{stamp.checksum}"
            if not self.storage.download(name, place, stamp.checksum):
                raise Unreached(f"{path} is not whole in {self.storage.url}.")
        for path in saved.get("gone", ()):
            self._here(path).unlink(missing_ok=True)

    def _files(self, worker: str) -> str:
        return f"{self._order}/workers/{worker}/files"

    def _here(self, path: str) -> Path:
        return self.view / path.lstrip("/")

    def _moved(self, value: Any, roots: tuple[str, ...]) -> Any:
        """Arguments, in which the roots are those of this folder."""
        if isinstance(value, Mapping):
            return {name: self._moved(one, roots) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._moved(one, roots) for one in value]
        return str(self._here(value)) if isinstance(value, str) and value in roots else value

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Within the block, upload what is told and what is saved, every few seconds; a failure is passed over."""
        self._thread.start()
        try:
            yield
        finally:
            self._end_sending()

    def _end_sending(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _go_on(self) -> None:
        while not self._ended.wait(SEND_SECONDS):
            with suppress(Unreached, UserError, OSError):
                self.send()

    def send(self) -> None:
        """Upload what was told and saved since the last time. Raises :class:`Unreached`, and UserError."""
        self._send_events()
        changes = self._changes() if self.part else None
        if changes is not None and changes != self._last:
            self.storage.write(f"{self._order}/saved.json", changes)
            self._remove_all_but(changes)
            self._last = changes

    def end(self, result: Result) -> None:
        """Upload all that was made, then how it ended. Raises :class:`Unreached` after some tries."""
        self._end_sending()
        rest = threading.Event()
        for number in range(TRIES):
            try:
                self._send_events()
                changes = self._changes() if self.part else self._listed({}, [])
                if changes is None:
                    raise Unreached("Files change while they are uploaded.")
                self.storage.write(f"{self._order}/saved.json", changes)  # a worker that follows goes on from there
                self.storage.write(f"{self._order}/result.json", {"result": asdict(result), **changes})
                return
            except Unreached:
                if number == TRIES - 1:
                    raise
                rest.wait(WAIT_SECONDS)

    def _send_events(self) -> None:
        try:
            content = self.folder.events.read_bytes()
        except FileNotFoundError:
            return
        # What failed may be there all the same, and the head may have read it: it is sent again as it was.
        while lines := self._untold or content[self._told_bytes : content.rfind(b"\n") + 1]:
            self._untold = lines
            name = f"{self._order}/workers/{self._worker}/events-{self._told + 1}.json"
            self.storage.write(name, {"lines": lines.decode()})
            self._told += 1
            self._told_bytes += len(lines)
            self._untold = b""

    def _changes(self) -> dict[str, Any] | None:
        """What differs from what was given, uploaded, as it was at one moment; None where it changes too fast."""
        taken = self.path / "taken"
        before = self._seen()
        try:
            for path, marks in before.items():
                place = taken / path.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                os.link(self._here(path), place)
                if _marks(place) != marks:
                    return None
            if self._seen() != before:
                return None
            changed = {
                path: asdict(self._uploaded(taken / path.lstrip("/"), marks))
                for path, marks in before.items()
                if self._given.get(path) != marks
            }
            if any(_marks(taken / path.lstrip("/")) != marks for path, marks in before.items()):
                return None  # something was written into a file, in place, while it was uploaded
        except FileNotFoundError:
            return None
        finally:
            shutil.rmtree(taken, ignore_errors=True)
        assert self.part
        makes = self.part.files.makes
        return self._listed(changed, [path for path in self._given if path not in before and is_below(path, makes)])

    def _listed(self, changed: Mapping[str, Any], gone: list[str]) -> dict[str, Any]:
        return {"worker": self._worker, "changed": changed, "gone": gone}

    def _seen(self) -> dict[str, Marks]:
        assert self.part
        makes = tuple(str(self._here(path)) for path in self.part.files.makes)
        return {f"/{path.relative_to(self.view)}": _marks(path) for path in files_below(makes)}

    def _uploaded(self, file: Path, marks: Marks) -> Stamp:
        stamp = self._known.get(marks) or Stamp(hash_file(file), marks[0])
        self._known[marks] = stamp
        if stamp.checksum not in self._sent:
            self.storage.upload(file, f"{self._files(self._worker)}/{stamp.checksum}")
            self._sent[stamp.checksum] = stamp
        return stamp

    def _remove_all_but(self, changes: Mapping[str, Any]) -> None:
        """States that newer ones have replaced."""
        wanted = {stamp["checksum"] for stamp in changes["changed"].values()}
        for checksum in [one for one in self._sent if one not in wanted]:
            self.storage.remove(f"{self._files(self._worker)}/{checksum}")
            del self._sent[checksum]


def _marks(path: Path) -> Marks:
    seen = path.stat()
    return seen.st_size, seen.st_mtime_ns, seen.st_ino
