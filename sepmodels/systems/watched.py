"""A program of somebody else's at work: bounded in time, heard to its end, and ended with all that it started."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import psutil

from sepmodels.errors import UserError

_KEPT_BYTES = 20_000  # of what it says: a program may print gigabytes
_SHOWN_CHARACTERS = 300
_LOOK_SECONDS = 0.02


class Watched:
    """A process, in no shell, with its output in here and nothing to read; ended with its children at the end."""

    def __init__(self, words: Sequence[str], folder: Path, name: str, *, reads: bool = False) -> None:
        """Start it in ``folder``. name: what errors call it. reads: whether it is told lines by :meth:`tell`."""
        self.name = name
        self._kept = b""
        try:
            self._process = subprocess.Popen(
                words,
                cwd=folder,
                stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        except OSError as fault:
            reason = fault.strerror or type(fault).__name__
            raise UserError(
                f"{name} cannot be started ({words[0]}: {reason}): install it, or mend the command."
            ) from None
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        while piece := os.read(self._process.stdout.fileno(), 65_536):
            self._kept = (self._kept + piece)[-_KEPT_BYTES:]

    def __enter__(self) -> "Watched":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def tell(self, line: str) -> None:
        """Give it a line to read; one that has ended hears nothing."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            pass

    def wait(self, limit_seconds: float, done: Callable[[], bool] | None = None) -> None:
        """Wait until it is done: until it has ended well, or until ``done`` says so.

        Raises UserError with the end of what it said where it fails, ends too soon or takes longer.
        """
        until = time.monotonic() + limit_seconds
        while not (done and done()):
            status = self._process.poll()
            if status is not None:
                self._listening.join(1.0)
                if status == 0 and not done:
                    return
                raise UserError(f"{self.name} {_ending(status)}{self.last_words()}")
            if time.monotonic() > until:
                limit = f"{limit_seconds / 60:g} minutes"
                self.end()
                raise UserError(
                    f"{self.name} was not done after {limit} and was ended (--limit-minutes allows more)"
                    f"{self.last_words()}"
                )
            time.sleep(_LOOK_SECONDS)

    def last_words(self) -> str:
        """The end of what it has said, as the end of a sentence."""
        said = " ".join(self._kept.decode(errors="replace").split())
        return f". It said last: {said[-_SHOWN_CHARACTERS:]}" if said else ", and said nothing."

    def end(self) -> None:
        """End it, and all that it started."""
        try:
            tree = [*psutil.Process(self._process.pid).children(recursive=True), psutil.Process(self._process.pid)]
        except psutil.NoSuchProcess:
            tree = []
        for one in tree:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.wait()
        self._listening.join(1.0)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _ending(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
