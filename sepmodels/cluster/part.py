"""A part of a product that can be made on another machine, and the folder in which both sides write of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sepmodels.files import replacing
from sepmodels.machine.folder_lock import FolderLock


@dataclass(frozen=True)
class Needs:
    """What a part uses of a machine. memory_gb: 0 where none is asked for."""

    gpus: int = 0
    processors: int = 1
    memory_gb: float = 0.0


@dataclass(frozen=True)
class Files:
    """What a part reads and makes, for machines that do not see the head's disk; whole paths.

    reads: files, and folders with all that is in them; what is not there is left out.
    makes: files and folders that no other part writes to at the same time, but for what it changes there itself. Each
    file is written beside its place (:func:`~sepmodels.files.replacing`), for it is sent while the part works.
    roots: folders that arguments name, below which all of these lie: on another machine they lie elsewhere.
    """

    reads: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """What a function is to make.

    name: of its folder, and for sentences ("seed_42").
    function: "module:name" of this project; it is given a :class:`~sepmodels.cluster.events.Told` and the arguments.
    arguments: of JSON's types. Two parts of the same name and arguments make the same.
    files: where they are to be sent along.
    """

    name: str
    function: str
    arguments: Mapping[str, Any]
    needs: Needs = field(default_factory=Needs)
    files: Files = field(default_factory=Files)


@dataclass(frozen=True)
class Record:
    """Who makes a part. engine: the executor. job: by which the engine knows it."""

    engine: str
    job: str


@dataclass(frozen=True)
class Result:
    """How a part ended.

    outcome: done; fault (a person has to mend it); error (it may go well another time); stopped (it was told to end).
    sentence: why. value: what the function gave back, of JSON's types.
    """

    outcome: str
    sentence: str = ""
    value: Any = None


class PartFolder:
    """The files of a part.

    The worker has the lock while it works, so that no two make the same, whoever started them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events = path / "events.jsonl"
        self._part = path / "part.json"
        self._record = path / "record.json"
        self._result = path / "result.json"
        self._order = path / "order.json"

    def lock(self, note: str = "") -> FolderLock:
        """The lock of whoever makes the part, or clears its folder."""
        return FolderLock(self.path / "held", note)

    def write(self, part: Part) -> None:
        """Say what is to be made; how the last attempt ended is forgotten."""
        self.forget_result()
        _write(self._part, asdict(part))

    def part(self) -> Part | None:
        """What is to be made; None where that is not written."""
        found = _read(self._part)
        return part_from(found) if found else None

    def is_of(self, part: Part) -> bool:
        """Whether the folder is of that part."""
        found = self.part()
        return found is not None and identity(found) == identity(part)

    def record(self) -> Record | None:
        """Who makes it; None where nobody has begun."""
        found = _read(self._record)
        return Record(**found) if found else None

    def keep_record(self, record: Record) -> None:
        """Say who makes it, for a head that is started again."""
        _write(self._record, asdict(record))

    def result(self) -> Result | None:
        """How it ended; None while it has not."""
        found = _read(self._result)
        return Result(**found) if found else None

    def order(self) -> dict[str, Any]:
        """Where in object storage a worker was told of it, and what it was given; empty where none was."""
        return _read(self._order)

    def keep_order(self, order: Mapping[str, Any]) -> None:
        """Say the same."""
        _write(self._order, order)

    def forget_order(self) -> None:
        """All that came of the order is here."""
        self._order.unlink(missing_ok=True)

    def forget(self) -> None:
        """Nothing is to be made here any more; a worker that comes too late finds that out."""
        for file in (self._part, self._record, self._result, self.events):
            file.unlink(missing_ok=True)

    def forget_result(self) -> None:
        """An attempt begins: how the last one ended counts no more."""
        self._result.unlink(missing_ok=True)

    def keep_result(self, result: Result) -> None:
        """Say how it ended."""
        _write(self._result, asdict(result))


def part_from(found: Mapping[str, Any]) -> Part:
    """A part from its JSON."""
    files = Files(**{name: tuple(paths) for name, paths in found.get("files", {}).items()})
    return Part(**{**found, "needs": Needs(**found["needs"]), "files": files})


def identity(part: Part) -> str:
    """What makes a part this one: its function and arguments, however much of a machine it is given."""
    text = json.dumps([part.name, part.function, dict(part.arguments)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _write(file: Path, content: Mapping[str, Any]) -> None:
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
