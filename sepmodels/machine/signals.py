"""Signals that wait for the end of a training step, so that what is saved is whole."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sepmodels.marks import no_part_of_a_result

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@no_part_of_a_result("how a run is stopped")
class Interruptions:
    """Holds back SIGINT and SIGTERM until :meth:`check`, which then does what would have been done at once."""

    def __init__(self) -> None:
        self.handlers: dict[int, object] = {}
        self._arrived: int | None = None

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._arrived = number

    def check(self) -> None:
        """If a signal has arrived, call the handler that was in place before (which may raise).

        Where there was none, a SIGTERM becomes SystemExit with the shell's exit code, 143, so that the caller's
        ``finally`` and ``except BaseException`` blocks run.
        """
        if self._arrived is None:
            return
        number, self._arrived = self._arrived, None
        handler = self.handlers[number]
        if callable(handler):
            handler(number, None)
        elif handler == signal.SIG_DFL:
            raise SystemExit(128 + number)


@no_part_of_a_result("how a run is stopped")
@contextmanager
def held_signals() -> Iterator[Interruptions]:
    """Hold signals back within the block; in another thread than the main one, where they never arrive, do nothing."""
    held = Interruptions()
    if threading.current_thread() is not threading.main_thread():
        yield held
        return
    for number in SIGNALS:
        held.handlers[number] = signal.signal(number, held._note)
    try:
        yield held
    finally:
        for restored, handler in held.handlers.items():
            signal.signal(restored, handler)  # type: ignore[arg-type]
        if held._arrived is not None:  # after the last check: as if it came now
            os.kill(os.getpid(), held._arrived)
