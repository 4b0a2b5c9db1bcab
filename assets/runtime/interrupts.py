"""An interrupt that got lost is raised again.

Dagster's handler raises an exception wherever the main thread is. In a callback of the garbage collector, such as
SQLAlchemy has many of, Python prints the exception and goes on as if nothing had happened: Ctrl-C has no effect.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_lost = False


@contextmanager
def noted_interrupts() -> Iterator[None]:
    """Note each SIGINT within the block before its handler is called; one that leaves the block is not lost."""
    global _lost
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def note(number: int, frame: FrameType | None) -> None:
        global _lost
        _lost = True
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    except Exception:
        raise
    except BaseException:
        _lost = False
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def raise_lost() -> None:
    """If an interrupt was noted and has not ended what it should have, do again what its handler does."""
    global _lost
    if _lost:
        _lost = False
        signal.raise_signal(signal.SIGINT)
