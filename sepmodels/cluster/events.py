"""What a part tells while it is made: lines of JSON in its folder, which the head reads as they come."""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PROGRESS_EVERY_SECONDS = 1.0


class Told:
    """What a worker tells, by appending to a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._shown = 0.0

    def begun(self, where: str) -> None:
        """The work begins, on that machine."""
        self._write(begun=where)

    def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
        """How far it is: once a second at most, and the last of it always."""
        now = time.monotonic()
        if now - self._shown >= PROGRESS_EVERY_SECONDS or done >= total:
            self._shown = now
            self._write(done=done, total=total, unit=unit, figures=dict(figures))

    def log(self, figures: Mapping[str, float], step: int) -> None:
        """Figures of a step, for curves."""
        self._write(step=step, figures={name: float(value) for name, value in figures.items()})

    def say(self, sentence: str) -> None:
        """What a person should know."""
        self._write(sentence=sentence)

    def _write(self, **event: Any) -> None:
        line = json.dumps(event) + "\n"  # NaN and infinity as Python writes and reads them
        with self._file.open("a", encoding="utf-8") as file:  # opened anew: on NFS others see what was closed
            file.write(line)


class ToldLog(logging.Handler):
    """Tells what the project's own loggers say."""

    def __init__(self, told: Told) -> None:
        super().__init__(logging.INFO)
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._told.say(record.getMessage())
        except Exception:  # as logging's own handlers do
            self.handleError(record)


class Tail:
    """Reads what is new in a part's file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = 0
        self._logged: set[tuple[str, int]] = set()

    def news(self) -> Iterator[dict[str, Any]]:
        """The events since the last call; of figures, those that were not told before."""
        try:
            with self._file.open("rb") as file:
                file.seek(self._read)
                content = file.read()
        except FileNotFoundError:
            return
        whole = content[: content.rfind(b"\n") + 1]  # a line may be half written
        self._read += len(whole)
        for line in whole.splitlines():
            try:
                event = json.loads(line)
            except ValueError:  # of a worker that was killed as it wrote, with the next one's after it
                continue
            if "step" in event:
                event["figures"] = self._new(event["figures"], event["step"])
            yield event

    def _new(self, figures: Mapping[str, float], step: int) -> dict[str, float]:
        """Without what an attempt that goes on tells again."""
        new = {name: value for name, value in figures.items() if (name, step) not in self._logged}
        self._logged.update((name, step) for name in new)
        return new
