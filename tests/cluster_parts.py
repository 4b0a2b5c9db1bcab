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


def count(told: Told, *, to: int, place: str, die_at: int = 0, always: bool = False) -> int:
    """Count in a file, step by step; an interrupt saves. It dies once, or always, by kill -9 at a number."""
    file = Path(place)
    first = int(file.read_text()) if file.exists() else 0
    for number in range(1, first + 1):
        told.log({"loss": 1 / number}, number)
    for number in range(first + 1, to + 1):
        time.sleep(0.02)
        if number == die_at and (always or not first):
            if not always:
                _write(file, number - 3)
            os.kill(os.getpid(), signal.SIGKILL)
        told.log({"loss": 1 / number}, number)
        told.progress(number, to, "step", loss=1 / number)
        _write(file, number)
    with file.with_suffix(".made").open("a") as made:
        made.write(f"{os.getpid()}\n")
    return to


def _write(file: Path, number: int) -> None:
    with replacing(file) as temporary:
        temporary.write_text(str(number))


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
