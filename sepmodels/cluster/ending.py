"""Ending parts: told to save, waited for, and their folders cleared when nobody works in them."""

import shutil
import time
from collections.abc import Collection, Iterable
from pathlib import Path

from sepmodels.cluster.engine import Away, Engine
from sepmodels.cluster.part import Part, PartFolder
from sepmodels.errors import UserError
from sepmodels.progress import Say

SAVE_SECONDS = 40.0  # for parts that are told to end; a step's process has a minute
LOOK_SECONDS = 0.5


def end_jobs(engine: Engine, jobs: Collection[str]) -> None:
    """Tell jobs to save and end, and wait until they have; what has not ended by then is ended without saving.

    Raises :class:`Away` where the engine does not answer.
    """
    engine.cancel(jobs)
    until = time.monotonic() + SAVE_SECONDS
    while jobs := set(engine.states(jobs)):
        if time.monotonic() > until:
            engine.cancel(jobs, at_once=True)
            return
        time.sleep(LOOK_SECONDS)


def clear_other_parts(folder: Path, parts: Iterable[Part], engine: Engine, say: Say) -> None:
    """End what makes other parts in a folder than these, and remove what it left there.

    Raises UserError where the engine does not answer.
    """
    wanted = {part.name: part for part in parts}
    others = [PartFolder(path) for path in sorted(folder.glob("*/"))]
    others = [one for one in others if one.path.name not in wanted or not one.is_of(wanted[one.path.name])]
    jobs = {found.job for one in others if (found := one.record()) and found.engine == engine.name}
    try:
        if going_on := set(engine.states(jobs)) if jobs else set():
            say(f"Ending {len(going_on)} parts that were begun for other settings.")
            end_jobs(engine, going_on)
    except Away as fault:
        raise UserError(f"{engine.name} does not answer: {fault}") from None
    for one in others:
        with one.lock().acquire(met=lambda who, one=one: say(f"Waiting for {one.path.name} on {who} to end.")):  # type: ignore[misc]
            for file in one.path.iterdir():
                if file.is_file():
                    file.unlink()
        shutil.rmtree(one.path, ignore_errors=True)
