"""How a step, in whatever process, tells the command line and the pages how far it is.

The command line listens on a Unix datagram socket that ``SEPBENCH_EVENTS`` names; where nobody listens,
messages are dropped and work goes on. Dagster's own log gets a line now and then as well.
"""

import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from assets.runtime.going import GoingFile, duration

VARIABLE = "SEPBENCH_EVENTS"
SHOW_EVERY_SECONDS = 0.2
LOG_EVERY_SECONDS = 30.0


def tell(sentence: str) -> None:
    """Show a sentence in the terminal of the command that this process works for, if there is one."""
    if address := os.environ.get(VARIABLE):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(OSError):
            sender.sendto(json.dumps({"state": "says", "sentence": sentence}).encode(), address)


class Events:
    """The messages of one step.

    going: the folder for the file that says how far it is (:mod:`assets.runtime.going`). run: of Dagster's.
    """

    def __init__(self, path: tuple[str, ...], *, say: Callable[[str], None], going: Path, run: str = "") -> None:
        self._asset = "/".join(path)
        self._file = GoingFile(going / f"{'-'.join(path)}.json", self._asset, run)
        self._say = say
        self._address = os.environ.get(VARIABLE)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if self._address else None
        self._place = ""
        self._shown = 0.0
        self._logged = time.monotonic()

    def __enter__(self) -> "Events":
        self._file.begin()
        self._send(state="started")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not issubclass(kind, Exception):
            self._say(self.stopped())
        self.ended("done" if kind is None else "failed" if issubclass(kind, Exception) else "stopped")

    def stopped(self) -> str:
        """Where a step that is stopped now ends, and how to go on."""
        return (
            f"Stopped{self._place}: what is made is kept. `sepbench run`, or Dagster's job refresh, goes on from there."
        )

    def ended(self, state: str) -> None:
        """Say how the step ended: done, failed, stopped, accepted, or fresh (nothing was to do)."""
        self._file.end()
        self._send(state=state)
        if self._socket:
            self._socket.close()
            self._socket = None

    def begin_part(self, part: int, parts: int) -> None:
        """The progress from now on is of this part, of so many that are alike: of one seed of a training."""
        self._file.begin_part(part, parts)

    def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
        """Pass progress on, at most a few times a second, and the last of it always."""
        self._file.progress(done, total, unit, **figures)
        part = f" of seed {going.part} of {going.parts}" if (going := self._file.going).parts > 1 else ""
        self._place = f" after {done} of {total} {unit}s{part}"
        now = time.monotonic()
        if now - self._shown >= SHOW_EVERY_SECONDS or done >= total:
            self._shown = now
            self._send(state="going", done=done, total=total, unit=unit, figures=figures)
        if now - self._logged >= LOG_EVERY_SECONDS:
            self._logged = now
            rest = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
            whole = f" for the {going.parts - going.part + 1} seeds to go" if going.part < going.parts else ""
            time_left = f"; about {duration(going.seconds_left)} left{whole}" if going.seconds_left else ""
            self._say(f"{done} of {total} {unit}s{part}{': ' if rest else ''}{rest}{time_left}")

    def _send(self, **message: Any) -> None:
        if self._socket is None:
            return
        packet = json.dumps({"asset": self._asset, **message}).encode()
        try:
            # Progress may be lost when the listener is slow; work never waits for it.
            flags = socket.MSG_DONTWAIT if message["state"] == "going" else 0
            self._socket.sendto(packet, flags, self._address)
        except OSError:
            pass
