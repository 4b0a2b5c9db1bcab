"""Signs of life for other machines: a file whose time is renewed for as long as a process lives.

Machines that share a folder do not see each other's processes, and their clocks may differ. So a file is compared with
one that was renewed just now in the same place. On most disks both times are the disk's. On some, such as Lustre, each
is that of the machine that asked: there clocks have to agree to within a minute.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sepmodels.machine.identity import this_host

EVERY_SECONDS = 10.0
SILENT_SECONDS = 90.0  # after which the process, or its machine, is taken for gone


class _Beats:
    """The files that this process renews."""

    def __init__(self) -> None:
        self.files: dict[Path, int] = {}  # and by how many it was asked to
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def keep(self, file: Path) -> None:
        with self.lock:
            self.files[file] = self.files.get(file, 0) + 1
            if self.thread is None or not self.thread.is_alive():  # a fork has none
                self.thread = threading.Thread(target=self._go_on, name="heartbeat", daemon=True)
                self.thread.start()

    def leave(self, file: Path) -> None:
        with self.lock:
            self.files[file] = self.files.get(file, 1) - 1
            if self.files[file] <= 0:
                del self.files[file]

    def _go_on(self) -> None:
        rest = threading.Event()
        while not rest.wait(EVERY_SECONDS):
            with self.lock:
                files = list(self.files)
            for file in files:
                with suppress(OSError):
                    os.utime(file)


_BEATS = _Beats()


@contextmanager
def beating(file: Path) -> Iterator[None]:
    """Renew a file within the block, every ten seconds; one that is gone is not made again."""
    _BEATS.keep(file)
    try:
        yield
    finally:
        _BEATS.leave(file)


def keep_beating(file: Path) -> None:
    """Renew a file to the end of this process."""
    _BEATS.keep(file)


def is_silent(file: Path, folder: Path | None = None) -> bool:
    """Whether a file has not been renewed for a while; also where it is gone. folder: see :func:`age_seconds`."""
    try:
        return age_seconds(file, folder) > SILENT_SECONDS
    except FileNotFoundError:
        return True


def age_seconds(path: Path, folder: Path | None = None) -> float:
    """How long ago a file or folder was last changed, by the clock of its disk.

    folder: of the same disk, for the file whose time is compared; that of ``path`` if none.
    Raises FileNotFoundError where it is gone.
    """
    probe = (folder or path.parent) / f".now-{this_host()}-{os.getpid()}-{threading.get_ident()}"
    try:
        probe.touch()
        return probe.stat().st_mtime - path.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
