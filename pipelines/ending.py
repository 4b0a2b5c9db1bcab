"""An end that leaves nothing behind, whatever signal asks for it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def tidy_end() -> Iterator[None]:
    """Within the block SIGTERM, and SIGHUP of a terminal that closes, end the program by an exception, as Ctrl-C does.

    By themselves they end it at once, and half-written files and copies of songs stay behind. The exit status is the
    shell's: 128 and the signal's number. A signal that is ignored (``nohup``) or has a handler stays as it is; in
    another thread than the main one, where no signal arrives, nothing is done.
    """
    changed = []
    if threading.current_thread() is threading.main_thread():
        changed = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in changed:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise SystemExit(128 + number)
