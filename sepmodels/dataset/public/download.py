"""Large files fetched whole or not at all: resumed after a break, checked by size and checksum.

What has come lies in ``<name>.part`` until it is whole and checked, also when the program ends in between.
"""

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sepmodels.dataset.public.http import PATIENT, Meter, Patience, RemoteFile, Transfer
from sepmodels.errors import UserError
from sepmodels.machine.folder_lock import FolderLock, Taken
from sepmodels.progress import Progress, Say, silent


def download(
    remote: RemoteFile,
    path: Path,
    *,
    patience: Patience = PATIENT,
    progress: Progress = silent,
    say: Say = lambda _: None,
) -> None:
    """Fetch a file, going on from what an earlier call left behind; ``path`` is whole and checked, or absent.

    say: takes a sentence for each break. Progress is in megabytes, with the rate and the minutes left.

    Raises :class:`UserError` when the server refuses, has no such file or another one, cannot be reached, or gives
    nothing for as long as ``patience`` says; when the disk is too small; and when the checksum is wrong, also after
    a second fetch from the start. But for the last, what has come is kept for the next call. A file that is there
    already and is not the one that is published is an error, too, and is left alone.
    """
    if path.exists():
        _require_right(path, remote, say)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(path)
    with _alone(part) as file:
        require_room(path.parent, remote.size_bytes - file.tell())
        transfer = Transfer(remote, file, patience, Meter(remote.size_bytes, progress), say)
        try:
            transfer.until_whole()
            if not _is_right(file, remote, say):
                say(f"{path.name} has the wrong checksum: fetched again from the start.")
                transfer.from_the_start()
                if not _is_right(file, remote, say):
                    part.unlink()
                    raise UserError(
                        f"{remote.url} does not have the MD5 checksum {remote.md5} that is published for it: try "
                        "again later, or fetch it from a mirror."
                    )
        except OSError as error:
            raise _unwritable(part, error) from error
        file.flush()
        os.fsync(file.fileno())
        part.replace(path)


def part_of(path: Path) -> Path:
    """Where a file is until it is whole."""
    return path.with_name(f"{path.name}.part")


def _require_right(path: Path, remote: RemoteFile, say: Say) -> None:
    """Raise :class:`UserError` unless a file that somebody put there is the one that is published."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        if size_bytes == remote.size_bytes and _is_right(file, remote, say):
            return
    raise UserError(
        f"{path} is not the file of {remote.url} ({size_bytes} bytes; {remote.size_bytes} are published"
        f"{f', with the MD5 checksum {remote.md5}' if remote.md5 else ''}): move it away, and it is fetched."
    )


def require_room(folder: Path, size_bytes: int) -> None:
    """Raise :class:`UserError` unless the disk of ``folder`` has room for so many bytes more."""
    free = shutil.disk_usage(folder).free
    if free < size_bytes:
        raise UserError(
            f"The disk of {folder} has {free / 1e9:.1f} GB free, and {size_bytes / 1e9:.1f} GB are needed: make room, "
            "or choose a data folder on another disk."
        )


@contextlib.contextmanager
def _alone(part: Path) -> Iterator[BinaryIO]:
    """The half-fetched file, open at its end; no other process writes to it meanwhile."""
    lock = FolderLock(part.with_name(f".{part.name}.held"))
    try:
        lock.acquire(wait=False)
    except Taken:
        raise UserError(f"{part} is being fetched by another process: wait for it, or stop it.") from None
    with lock, part.open("a+b") as file:
        file.seek(0, os.SEEK_END)
        yield file


def _is_right(file: BinaryIO, remote: RemoteFile, say: Say) -> bool:
    if not remote.md5:
        return True
    say("All has come; its checksum is compared.")
    file.flush()
    file.seek(0)
    digest = hashlib.file_digest(file, "md5").hexdigest()  # type: ignore[arg-type]
    file.seek(0, os.SEEK_END)
    return digest == remote.md5


def _unwritable(part: Path, error: OSError) -> UserError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(f"The disk of {part.parent} is full: make room and run again; what has come is kept.")
    return UserError(f"{part} cannot be written ({error.strerror or error}): make its folder writable.")
