"""Parts for tests of the seam: what a training does, without a training."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from sepmodels.cluster.events import Told
from sepmodels.cluster.part import Needs, Part
from sepmodels.errors import UserError
from sepmodels.files import replacing

COUNT, FAIL, HANG = (f"tests.cluster_parts:{name}" for name in ("count", "fail", "hang"))


def part(name: str, function: str, needs: Needs | None = None, **arguments: Any) -> Part:
    return Part(name, function, arguments, needs or Needs())


def count(
    told: Told,
    *,
    to: int,
    place: str,
    die_at: int = 0,
    always: bool = False,
    saved: str = "",
    wait_at: int = 0,
    gate: str = "",
) -> int:
    """Count in a file, step by step; an interrupt saves. It dies once, or always, by kill -9 at a number.

    saved: the pattern of a file that it waits for before it dies. wait_at: before that number it waits for ``gate``.
    """
    file = Path(place)
    first = int(file.read_text()) if file.exists() else 0
    for number in range(1, first + 1):
        told.log({"loss": 1 / number}, number)
    for number in range(first + 1, to + 1):
        time.sleep(0.02)
        if number == wait_at:
            _wait_for(gate)
        if number == die_at and (always or not first):
            if saved:
                _wait_for(saved)
            if not always:
                _write(file, str(number - 3))
            os.kill(os.getpid(), signal.SIGKILL)
        _write(file, str(number))  # first, so that what is told is saved
        told.log({"loss": 1 / number}, number)
        told.progress(number, to, "step", loss=1 / number)
    made = file.with_suffix(".made")
    _write(made, (made.read_text() if made.exists() else "") + f"{os.getpid()}\n")
    return to


def _wait_for(pattern: str) -> None:
    while not any(Path("/").glob(pattern[1:])):
        time.sleep(0.02)


def _write(file: Path, text: str) -> None:
    with replacing(file) as temporary:
        temporary.write_text(text)


def fail(_told: Told, *, sentence: str, person: bool) -> None:
    """Fail by what a person has to mend, or by anything else."""
    raise (UserError if person else RuntimeError)(sentence)


def hang(told: Told, *, place: str) -> str:
    """The first time hang without a word."""
    file = Path(place)
    if not file.exists():
        file.touch()
        time.sleep(3600)
    told.say("It did not hang.")
    return "went on"
