"""What processors work: for this process with all that it starts, and for everybody else."""

import time
from contextlib import suppress

import psutil


def processor_seconds() -> float:
    """Of this process and of all that it has started, whether they have ended or not."""
    total = 0.0
    own = psutil.Process()
    for one in (own, *own.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            used = one.cpu_times()
            total += used.user + used.system + used.children_user + used.children_system
    return total


class OthersWork:
    """Tells from its making on how busy other programs keep this machine."""

    def __init__(self) -> None:
        self._began, self._busy, self._own = time.monotonic(), _busy_seconds(), processor_seconds()

    def share(self) -> float:
        """The share of all processors, from 0 to 1."""
        others = (_busy_seconds() - self._busy) - (processor_seconds() - self._own)
        passed = max(time.monotonic() - self._began, 1e-9)
        return min(1.0, max(0.0, others / (passed * (psutil.cpu_count() or 1))))


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))
