"""Files that are whole or absent, and hashes of content."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil

from sepmodels.machine.identity import this_host
from sepmodels.marks import no_part_of_a_result


@no_part_of_a_result("how a file gets to its place")
@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary sibling of ``path`` to write to; it becomes ``path`` only if the block succeeds.

    The sibling keeps the suffix (libraries choose a format by it), is flushed to disk before the rename, and
    is removed when the block raises, so that whoever looks sees the old file, the new one, or none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@no_part_of_a_result("how a file gets to its place")
def temporary_beside(path: Path) -> Path:
    """The name of a file or folder that this process alone writes, until it becomes ``path``."""
    return path.with_name(f"{temporary_prefix()}{path.name}")


@no_part_of_a_result("how a file gets to its place")
def temporary_prefix() -> str:
    """What the names of unfinished files begin with: the process, and the machine that it runs on."""
    return f".tmp-{os.getpid()}-{mark_of(this_host())}-"


def bytes_below(folder: Path) -> int:
    """The size of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def mark_of(host: str) -> str:
    """Eight digits that stand for a machine in the name of a file."""
    return hashlib.sha256(host.encode()).hexdigest()[:8]


def remove_half_written(folder: Path, pattern: str = "**/.tmp-*") -> list[Path]:
    """Remove files and folders below ``folder`` that processes which are gone began as ``.tmp-<process>-<name>``.

    For a folder in which no other machine works. Gives what was removed.
    """
    removed = []
    for path in list(folder.glob(pattern)):
        begun = re.match(r"\.tmp-(\d+)-", path.name)
        if begun and not psutil.pid_exists(int(begun[1])):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def remove_left_behind(
    folder: Path, pattern: str = "**/.tmp-*", works: Callable[[str], bool] = lambda _mark: True
) -> list[Path]:
    """Remove files and folders below ``folder`` that processes which are gone began (:func:`temporary_beside`).

    works: whether another machine, by its mark, may be writing there still. Gives what was removed.
    """
    removed = [path for path in list(folder.glob(pattern)) if _is_left_behind(path.name, works)]
    for path in removed:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return removed


def _is_left_behind(name: str, works: Callable[[str], bool]) -> bool:
    begun = re.match(r"\.tmp-(\d+)-(?:([0-9a-f]{8})-)?", name)
    if begun is None:
        return False
    if begun[2] in (None, mark_of(this_host())):  # without a mark, of versions before there was one
        return not psutil.pid_exists(int(begun[1]))
    return not works(begun[2])


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_arrays(*arrays: np.ndarray) -> str:
    """SHA-256 over the types, shapes and values of arrays: of what they hold, not of a container's bytes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def hash_texts(texts: Iterable[str]) -> str:
    """SHA-256 of a sequence of texts, their order and their boundaries included.

    >>> hash_texts(["ab", "c"]) == hash_texts(["a", "bc"])
    False
    """
    digest = hashlib.sha256()
    for text in texts:
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()
