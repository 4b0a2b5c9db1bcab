"""The songs that the page of ``sepbench serve`` separates: one at a time, and removed afterwards."""

import functools
import shutil
import threading
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.paths import Paths
from pipelines.songs.separating import Wishes
from pipelines.songs.separators import Separator, separator_for
from pipelines.songs.song_list import Song
from sepmodels.audio import targets_of
from sepmodels.errors import UserError
from sepmodels.settings import Profile

KEEP_SECONDS = 3600.0


@dataclass
class Task:
    """One song on its way.

    state: "waiting", "separating", "done" or "failed". message: why it failed, or a remark on what was done.
    """

    id: str
    folder: Path
    system: str
    state: str = "waiting"
    done: int = 0
    total: int = 0
    message: str = ""
    expiry: threading.Timer | None = None
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def song(self) -> Path:
        return self.folder / "song"

    def said(self) -> dict[str, Any]:
        """What the page asks for again and again."""
        return {"state": self.state, "done": self.done, "total": self.total, "message": self.message}


class PageWork:
    """Takes songs, separates one after another in a thread, and removes what nobody wants any more.

    limit_seconds: the longest time to spend on one song. keep_seconds: how long stems stay after they are made.
    """

    def __init__(
        self, profile: Profile, paths: Paths, folder: Path, limit_seconds: float, keep_seconds: float = KEEP_SECONDS
    ) -> None:
        self.profile, self.paths, self.folder = profile, paths, folder
        self.limit_seconds, self.keep_seconds = limit_seconds, keep_seconds
        self.tasks: dict[str, Task] = {}
        self._thread = ThreadPoolExecutor(1)
        self._open = ExitStack()
        self._separator: tuple[str, Separator] | None = None

    @functools.cached_property
    def device(self) -> str:
        """Chosen at the first song or question, because torch takes seconds to load."""
        from sepmodels.machine.devices import choose_device

        return choose_device(self.profile.device)

    def new(self, system: str) -> Task:
        """A task whose song is still to come."""
        task = Task(uuid.uuid4().hex, self.folder / uuid.uuid4().hex, system)
        task.folder.mkdir()
        self.tasks[task.id] = task
        return task

    def begin(self, task: Task) -> Future[None]:
        """Separate the task's song as soon as those before it are done."""
        return self._thread.submit(self._run, task)

    def remove(self, task_id: str) -> None:
        """Forget a task, end it if it is at work, and remove its files."""
        task = self.tasks.pop(task_id, None)
        if task is not None:
            task.gone.set()
            if task.expiry is not None:
                task.expiry.cancel()
            shutil.rmtree(task.folder, ignore_errors=True)

    def close(self) -> None:
        """Remove everything, and wait until no work is left."""
        for task_id in list(self.tasks):
            self.remove(task_id)
        self._thread.shutdown(cancel_futures=True)
        self._leave()

    def _run(self, task: Task) -> None:
        if task.gone.is_set():
            return
        task.state = "separating"
        try:
            self._separate(task)
            task.state = "done"
        except UserError as fault:
            task.state, task.message = "failed", str(fault).replace(str(task.song), "The song")
        except Exception as fault:  # the page must hear of it, whatever it is
            task.state, task.message = "failed", f"{type(fault).__name__}: {fault}"
        task.song.unlink(missing_ok=True)
        if task.gone.is_set():
            shutil.rmtree(task.folder, ignore_errors=True)
        else:  # a page that was not closed but lost asks for nothing more
            task.expiry = threading.Timer(self.keep_seconds, self.remove, (task.id,))
            task.expiry.daemon = True
            task.expiry.start()

    def _separate(self, task: Task) -> None:
        from pipelines.serve.spectrogram import draw_spectrogram
        from sepmodels.separation.song_files import StemFormat

        separator = self._opened(task.system)
        began = time.monotonic()

        def progress(done: int, total: int, unit: str, **figures: float) -> None:  # noqa: ARG001
            task.done, task.total = done, total
            if task.gone.is_set():
                raise UserError("The page was closed.")
            if time.monotonic() - began > self.limit_seconds:
                minutes = f"{self.limit_seconds / 60:g} minutes"
                raise UserError(f"The song takes longer than {minutes}: cut it, or start with a higher --max-minutes.")

        stems = {name: task.folder / f"{name}.flac" for name in targets_of(self.profile.target)}
        song = Song(task.song, "song", "The song", stems)
        try:
            written = separator.separate(song, StemFormat("flac"), progress)
        except BaseException:
            self._leave()  # a program or function that failed may have ended
            raise
        for name, file in stems.items():
            draw_spectrogram(file, task.folder / f"{name}.png")
        clipped = [f"{count} samples of the {name}" for name, count in written.clipped.items() if count]
        task.message = f"{' and '.join(clipped)} were louder than full scale and cut down to it." if clipped else ""

    def _opened(self, system: str) -> Separator:
        """What separates by that system; it stays open for the next song, until another is asked for."""
        if self._separator is None or self._separator[0] != system:
            self._leave()
            wishes = Wishes(self.folder, system=system)
            self._separator = system, self._open.enter_context(separator_for(self.profile, self.paths, wishes))
        return self._separator[1]

    def _leave(self) -> None:
        self._separator = None
        self._open.close()
