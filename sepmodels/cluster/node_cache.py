"""What a node has read from object storage: files by their checksum, shared by its workers, bounded in size."""

import errno
import os
import shutil
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sepmodels.cluster.engine import Unreached
from sepmodels.cluster.storage import Storage, blob
from sepmodels.errors import UserError
from sepmodels.files import remove_half_written, temporary_beside
from sepmodels.machine.folder_lock import FolderLock
from sepmodels.progress import Say

TRIES = 3
LOOK_SECONDS = 5.0


@dataclass(frozen=True)
class Stamp:
    """What a file holds: its SHA-256, and its bytes."""

    checksum: str
    size: int


class NodeCache:
    """A folder of files, each placed where it is read as a hard link.

    So a file that somebody reads keeps its content if it is evicted; but those are not evicted, for it would free
    nothing. Only one worker of a node fills the cache at a time: others mostly want the same.
    """

    def __init__(self, folder: Path, most_bytes: float) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        self._blobs = folder / "blobs"

    def place(self, files: Mapping[Path, Stamp], storage: Storage, say: Say) -> int:
        """Put files in their places, from the cache or the storage; gives the bytes that were fetched.

        They are not to be written to. Raises UserError where they are more than the cache may hold, and
        :class:`Unreached` where this node cannot have them at the moment; says why.
        """
        wanted = {stamp.checksum: stamp.size for stamp in files.values()}
        if (whole := sum(wanted.values())) > self.most_bytes:
            raise UserError(
                f"A part reads {whole / 1e9:.1f} GB, and the cache of a node may hold {self.most_bytes / 1e9:.1f} GB: "
                "raise storage.cache_gb in cluster.toml."
            )
        try:
            return self._place(files, wanted, storage, say)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Unreached(
                    f"The disk of {self.folder} is full: free space there, or name another folder as storage.cache."
                ) from None
            raise Unreached(f"The cache {self.folder} cannot be used ({error}).") from None

    def _place(self, files: Mapping[Path, Stamp], wanted: Mapping[str, int], storage: Storage, say: Say) -> int:
        told = False
        while True:
            with FolderLock(self.folder / "filling").acquire(
                met=lambda _: say("Another worker fills the node's cache.")
            ):
                missing = {one: size for one, size in wanted.items() if not self._has(one, size)}
                if self._make_room(sum(missing.values()), wanted):
                    for checksum in missing:
                        self._fetch(checksum, storage)
                    for place, stamp in files.items():
                        self._link(stamp.checksum, place)
                    return sum(missing.values())
            if not told:
                say("The node's cache is full of what other workers read: waiting for them.")
                told = True
            time.sleep(LOOK_SECONDS)

    def _file(self, checksum: str) -> Path:
        return self._blobs / checksum[:2] / checksum

    def _has(self, checksum: str, size: int) -> bool:
        file = self._file(checksum)
        return file.exists() and file.stat().st_size == size

    def _make_room(self, needed: int, wanted: Collection[str]) -> bool:
        """Remove what was not used for longest, until there is room; False where what is in use leaves none."""
        remove_half_written(self.folder, "blobs/*/.tmp-*")
        found = [(file, file.stat()) for file in self._blobs.glob("*/*")]
        total = sum(seen.st_size for _, seen in found)
        idle = [(file, seen) for file, seen in found if seen.st_nlink == 1 and file.name not in wanted]
        if total - sum(seen.st_size for _, seen in idle) + needed > self.most_bytes:
            return False
        for file, seen in sorted(idle, key=lambda one: one[1].st_mtime):
            if total + needed <= self.most_bytes:
                break
            file.unlink()
            total -= seen.st_size
        return True

    def _fetch(self, checksum: str, storage: Storage) -> None:
        file = self._file(checksum)
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(file)
        try:
            for _ in range(TRIES):
                if storage.download(blob(checksum), temporary, checksum):
                    temporary.chmod(0o444)
                    temporary.replace(file)
                    return
        finally:
            temporary.unlink(missing_ok=True)
        storage.remove(blob(checksum))  # so that the head uploads it once more
        raise Unreached(f"{checksum} in {storage.url} is missing or damaged: it is uploaded again.")

    def _link(self, checksum: str, place: Path) -> None:
        file = self._file(checksum)
        os.utime(file)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        try:
            os.link(file, place)
        except OSError:  # a file system without links
            shutil.copy2(file, place)
