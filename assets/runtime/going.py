"""What is being made right now: a small file for each step, for whoever looks from another process.

``sepbench ui`` shows it. The file goes when the step ends; one that a killed process left is passed over.
"""

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sepmodels.files import temporary_beside
from sepmodels.machine.identity import is_alive, this_process

WRITE_EVERY_SECONDS = 1.0
FOREIGN_SECONDS = 120.0  # a process of another machine is believed to run for so long after its last word


@dataclass(frozen=True)
class Going:
    """A step that is being made.

    asset: its name. run: of Dagster's. began: seconds since 1970. first_done: how much was done when the first word
    of it came, at ``first_at``, for a training may go on from anywhere. part, parts: which of how many the figures are
        of, for a training of several seeds does as many steps with each.
    """

    asset: str
    run: str
    process: str
    began: float
    done: int = 0
    total: int = 0
    unit: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    first_done: int = 0
    first_at: float = 0.0
    told_at: float = 0.0
    part: int = 1
    parts: int = 1

    @property
    def seconds_left(self) -> float | None:
        """Of this and all parts to come, at the pace of this one so far; None before there is any."""
        made = self.done - self.first_done
        if made <= 0 or self.told_at <= self.first_at:
            return None
        return (self.told_at - self.first_at) / made * (self.total - self.done + (self.parts - self.part) * self.total)


class GoingFile:
    """Writes how far a step is, at most once a second; a disk that is full stops no work."""

    def __init__(self, path: Path, asset: str, run: str) -> None:
        self._path = path
        self._going = Going(asset, run, this_process(), time.time())
        self._written = 0.0
        self._part = (1, 1)

    @property
    def going(self) -> Going:
        """What it says now, or will say within a second."""
        return self._going

    def begin_part(self, part: int, parts: int) -> None:
        """What is said from now on is of this part, of so many."""
        self._part = (part, parts)

    def begin(self) -> None:
        self._write(time.time())

    def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
        now, before = time.time(), self._going
        starts = not before.total or done < before.done or self._part != (before.part, before.parts)
        self._going = Going(
            before.asset,
            before.run,
            before.process,
            before.began,
            done,
            total,
            unit,
            {name: float(value) for name, value in figures.items()},
            done if starts else before.first_done,
            now if starts else before.first_at,
            now,
            *self._part,
        )
        if starts or now - self._written >= WRITE_EVERY_SECONDS:
            self._write(now)

    def end(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _write(self, now: float) -> None:
        self._written = now
        temporary = temporary_beside(self._path)
        with suppress(OSError):  # not flushed to disk, as what is made is: after a power cut nobody asks for it
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(asdict(self._going)), encoding="utf-8")
            temporary.replace(self._path)


def going_on(folder: Path) -> list[Going]:
    """The steps that are being made, the one that began first at the head.

    folder: of the files (:meth:`assets.paths.Paths.going`).
    """
    found = []
    for path in folder.glob("*.json"):
        with suppress(OSError, ValueError, TypeError):  # it ended meanwhile, or is of another version
            one = Going(**json.loads(path.read_text(encoding="utf-8")))
            alive = is_alive(one.process)
            if time.time() - path.stat().st_mtime < FOREIGN_SECONDS if alive is None else alive:
                found.append(one)
    return sorted(found, key=lambda one: one.began)


def duration(seconds: float) -> str:
    """A duration in words, roughly.

    >>> [duration(seconds) for seconds in (0.2, 41, 95, 5400, 200_000)]
    ['less than a second', '41 s', '2 min', '1 h 30 min', '2 d 8 h']
    """
    if seconds < 1:
        return "less than a second"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, hours = divmod(round(minutes / 60), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
