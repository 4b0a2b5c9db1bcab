"""A part that is sent to a worker by object storage: the head's side.

In the storage lie, below ``blobs``, files by their checksum; below ``orders/NAME``, ``order.json`` (the part, and what
it reads), ``saved.json`` and ``result.json`` (which files a worker has changed). Each worker has a folder of its own
below ``workers``, for there may be two: ``events-N.json`` (what it tells), and ``files`` by their checksum. Files go
first, and what names them last: who reads sees all of a product, or none.
"""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sepmodels.cluster.engine import Unreached
from sepmodels.cluster.node_cache import Stamp
from sepmodels.cluster.part import Part, PartFolder, Result
from sepmodels.cluster.storage import Storage, blob
from sepmodels.files import hash_file, replacing, temporary_beside
from sepmodels.progress import Say

AT_ONCE = 8  # files under way
TRIES = 3


class NotWhole(Unreached):
    """What a worker has uploaded is not all there any more."""


class Checksums:
    """The checksums of the head's files, kept for as long as time, size and number of a file stay."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._known: dict[str, list[Any]] = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self._known = {}

    def of(self, path: Path) -> Stamp:
        """What a file holds."""
        seen = path.stat()
        marks = [seen.st_size, seen.st_mtime_ns, seen.st_ino]
        known = self._known.get(str(path), [])
        if known[1:] != marks:
            known = self._known[str(path)] = [hash_file(path), *marks]
        return Stamp(known[0], seen.st_size)

    def keep(self) -> None:
        """Write them down."""
        self._known = {path: known for path, known in self._known.items() if Path(path).exists()}
        with replacing(self._file) as temporary:
            temporary.write_text(json.dumps(self._known), encoding="utf-8")


class Order:
    """What was sent for the part of a folder, if anything was; what the worker tells comes into that folder."""

    def __init__(self, folder: PartFolder) -> None:
        self.folder = folder
        self._heard: dict[str, int] = {}  # of each worker

    def send(self, part: Part, url: str, say: Say) -> str:
        """Upload what the part reads and the storage lacks, then the order; gives the order's name.

        Raises :class:`Unreached`, and UserError.
        """
        storage, checksums = Storage(url), Checksums(self.folder.path.parents[1] / "checksums.json")
        given = {str(path): checksums.of(path) for path in files_below(part.files.reads)}
        paths = {stamp.checksum: path for path, stamp in given.items()}
        lacking = [
            path
            for path, is_there in _at_once(lambda path: _is_there(storage, given[path]), paths.values())
            if not is_there
        ]
        list(_at_once(lambda path: storage.upload(Path(path), blob(given[path].checksum)), lacking))
        if given:
            checksums.keep()
            size, sent = (sum(given[path].size for path in some) for some in (paths.values(), lacking))
            say(f"{part.name} reads {len(given)} files, {size / 1e6:.1f} MB; {sent / 1e6:.1f} MB of it were uploaded.")
        name = secrets.token_hex(8)
        inputs = {path: asdict(stamp) for path, stamp in given.items()}
        self.folder.keep_order({"url": url, "name": name, "makes": part.files.makes, "reads": list(given)})
        storage.write(f"orders/{name}/order.json", {"part": asdict(part), "inputs": inputs})
        self._heard = {}
        return name

    def hear_anew(self) -> None:
        """What a head before this one has heard is to come again, if anything was sent."""
        if self.folder.order():
            self.folder.events.unlink(missing_ok=True)

    def hear(self) -> None:
        """Bring what the worker has told, and when it has ended what it made. Raises :class:`Unreached`."""
        order = self.folder.order()
        if not order:
            return
        storage = Storage(order["url"])
        place = f"orders/{order['name']}"
        for worker in storage.names_below(f"{place}/workers"):
            self._hear_worker(storage, f"{place}/workers/{worker}", worker)
        found = storage.read(f"{place}/result.json")
        if found and Result(**found["result"]) != self.folder.result():  # one that was told to end has followers
            try:
                take(storage, order, found)
            except NotWhole as fault:
                self.folder.keep_result(Result("error", str(fault).rstrip(".")))
            else:
                self.folder.keep_result(Result(**found["result"]))

    def _hear_worker(self, storage: Storage, place: str, worker: str) -> None:
        while found := storage.read(f"{place}/events-{self._heard.get(worker, 0) + 1}.json"):
            self._heard[worker] = self._heard.get(worker, 0) + 1
            with self.folder.events.open("a", encoding="utf-8") as file:
                file.write(found["lines"])

    def close(self, say: Say) -> None:
        """Bring what was made last, and leave nothing of the order in the storage. Raises :class:`Unreached`.

        Nobody works at it any more. So what is not whole stays so, and is given up with a sentence.
        """
        if order := self.folder.order():
            storage = Storage(order["url"])
            place = f"orders/{order['name']}"
            found = storage.read(f"{place}/result.json")
            if not found or found["result"]["outcome"] != "done":  # a worker that came later may have saved more
                found = storage.read(f"{place}/saved.json")
            try:
                if found:
                    take(storage, order, found)
            except NotWhole as fault:
                say(f"{self.folder.path.name} does without what it uploaded last: {fault}")
            storage.remove(place)
            self.folder.forget_order()


def take(storage: Storage, order: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Put files that a worker has changed in their places on the head, after all of them are here and whole.

    They stay in the storage by their checksum, for parts that read them. Raises :class:`NotWhole`, and Unreached.
    """
    place = f"orders/{order['name']}/workers/{found['worker']}/files"
    made = {path: Stamp(**stamp) for path, stamp in found["changed"].items()}
    gone = [path for path in found["gone"] if path in order["reads"]]
    for path in (*made, *gone):
        if not is_below(path, order["makes"]):
            raise Unreached(f"A worker names {path}, which its part does not make.")
    try:
        for path, is_fetched in list(_at_once(lambda path: _fetch(storage, place, path, made[path]), made)):
            if is_fetched:
                temporary_beside(Path(path)).replace(path)
    finally:
        for path in made:
            temporary_beside(Path(path)).unlink(missing_ok=True)
    for path in gone:
        Path(path).unlink(missing_ok=True)
        for folder in Path(path).parents:  # such as that of a training's states
            if not is_below(str(folder), order["makes"]) or any(folder.iterdir()):
                break
            folder.rmdir()


def _fetch(storage: Storage, files: str, path: str, stamp: Stamp) -> bool:
    """Fetch a file beside its place; False where it is in its place already."""
    place = Path(path)
    if place.is_file() and place.stat().st_size == stamp.size and hash_file(place) == stamp.checksum:
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    name = f"{files}/{stamp.checksum}"
    if not any(storage.download(name, temporary_beside(place), stamp.checksum) for _ in range(TRIES)):
        raise NotWhole(f"{path} is not whole in {storage.url}.")
    if not _is_there(storage, stamp):
        storage.copy(name, blob(stamp.checksum))
    return True


def is_below(path: str, places: tuple[str, ...] | list[str]) -> bool:
    """Whether a path is one of the places, or lies below one."""
    if ".." in Path(path).parts:
        return False
    return any(Path(path).is_relative_to(place) for place in places)


def files_below(places: tuple[str, ...]) -> list[Path]:
    """The files of these places that are whole: not those that somebody is about to write."""
    found: dict[Path, None] = {}
    for place in map(Path, places):
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            hidden = any(part.startswith(".tmp-") for part in path.parts)
            if path.is_file() and not hidden:
                found[path] = None
    return list(found)


def _is_there(storage: Storage, stamp: Stamp) -> bool:
    return storage.size(blob(stamp.checksum)) == stamp.size


def _at_once(work: Callable[[str], Any], paths: Any) -> Iterator[tuple[str, Any]]:
    chosen = list(paths)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from zip(chosen, pool.map(work, chosen), strict=True)
