"""Ending parts: told to save, waited for, and their folders cleared when nobody works in them."""

import shutil
import time
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from sepmodels.cluster.engine import Away, Engine, Unreached
from sepmodels.cluster.engines import engine_of
from sepmodels.cluster.orders import Order
from sepmodels.cluster.part import Part, PartFolder
from sepmodels.cluster.settings import ClusterSettings, as_executor
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


def clear_other_parts(folder: Path, parts: Iterable[Part], settings: ClusterSettings, say: Say) -> None:
    """End what makes other parts in a folder than these, by whatever engine, and remove what it left there.

    Whoever works there and cannot be ended from here is waited for. Raises UserError where an engine does not answer.
    """
    wanted = {part.name: part for part in parts}
    others = [PartFolder(path) for path in sorted(folder.glob("*/"))]
    others = [one for one in others if one.path.name not in wanted or not one.is_of(wanted[one.path.name])]
    records = [found for one in others if (found := one.record())]
    for name in {found.engine for found in records}:
        _end_all(name, {found.job for found in records if found.engine == name}, settings, say)
    for one in others:
        with one.lock().acquire(met=partial(_say_who, one.path.name, say)):
            try:
                Order(one).close(say)
            except Unreached as fault:
                raise UserError(f"{fault} What a part has saved is there: run again when it answers.") from None
            one.forget()
        shutil.rmtree(one.path, ignore_errors=True)


def _end_all(name: str, jobs: set[str], settings: ClusterSettings, say: Say) -> None:
    try:
        engine = engine_of(replace(settings, executor=as_executor(name)))
    except UserError as fault:  # the folder was copied to another machine, say
        say(f"What {name} was given before cannot be ended from here. {fault}")
        return
    try:
        if going_on := set(engine.states(jobs)):
            say(f"Ending {len(going_on)} of {name}'s jobs, which were begun for something else.")
            end_jobs(engine, going_on)
    except Away as fault:
        raise UserError(f"{name} does not answer: {fault}") from None


def _say_who(part: str, say: Say, who: str) -> None:
    say(f"Waiting for {part} on {who} to end.")
