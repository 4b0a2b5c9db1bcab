"""An end that leaves nothing behind, whatever signal asks for it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_asked_for: int | None = None  # the signal whose exception may have got lost


@contextmanager
def tidy_end() -> Iterator[None]:
    """Within the block SIGTERM, and SIGHUP of a terminal that closes, end the program by an exception, as Ctrl-C does.

    By themselves they end it at once, and half-written files and copies of songs stay behind. The exit status is the
    shell's: 128 and the signal's number. A signal that is ignored (``nohup``) or has a handler stays as it is; in
    another thread than the main one, where no signal arrives, nothing is done.

    In a callback of the garbage collector Python prints the exception and goes on. So :func:`end_if_asked` raises it
    again, and so does the end of the block. Within an import Python may raise an error of its own in its place; that is
    no fault of the program.
    """
    global _asked_for
    _asked_for = None
    changed = []
    if threading.current_thread() is threading.main_thread():
        changed = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in changed:
        signal.signal(number, _end)
    try:
        yield
        end_if_asked()
    except Exception:
        end_if_asked()
        raise
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def end_if_asked() -> None:
    """Raise SystemExit if a signal has asked for the end, and its own exception got lost."""
    if _asked_for is not None:
        raise SystemExit(128 + _asked_for)


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    global _asked_for
    _asked_for = number
    end_if_asked()
