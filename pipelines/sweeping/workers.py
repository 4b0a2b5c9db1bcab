"""The processes that train a sweep's trials, one after another in each; they tell, and the sweep decides."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from assets.paths import Paths
from assets.runtime.orphans import PATIENCE_SECONDS, end_with_the_run
from sepmodels.errors import UserError
from sepmodels.settings import Profile
from sepmodels.systems.variants import Variant, own_training

SDR = "validation_sdr_db"


@dataclass(frozen=True)
class Task:
    """A trial to train, in a folder of its own."""

    number: int
    variant: Variant
    folder: Path
    seed: int
    code_version: str


class StoppedEarly(Exception):
    """The sweep has said that the trial is to end."""


class Worker:
    """A process that trains trials; to be read from by :func:`multiprocessing.connection.wait`.

    What it sends: ``("figures", figures, step)``, ``("progress", done, total)``, and, of a validation,
    ``("validated", sdr_db, step)``, which it wants an answer to; at the end of a trial ``("trained", sdr_db, steps)``,
    ``("stopped", step)``, ``("diverged", step)`` or ``("failed", sentence)``.
    """

    def __init__(self, profile: Profile, paths: Paths, log: Path) -> None:
        """log: the file that takes whatever the process prints."""
        spawn = multiprocessing.get_context("spawn")  # a fork would share torch's threads and the store's connection
        self.connection, its_end = spawn.Pipe()
        self.process = spawn.Process(target=_work, args=(its_end, profile, paths, log))
        self.process.start()
        its_end.close()

    def begin(self, task: Task) -> None:
        """Let it train this trial."""
        self.connection.send(task)

    def answer(self, *, go_on: bool) -> None:
        """Say, after a validation, whether the trial is to go on."""
        self.connection.send(go_on)

    def end(self) -> None:
        """Interrupt what it does, which a training saves first, and wait until it has ended."""
        if self.process.is_alive() and self.process.pid:
            os.kill(self.process.pid, signal.SIGINT)
        self.process.join(PATIENCE_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.connection.close()


def _work(connection: Connection, profile: Profile, paths: Paths, log: Path) -> None:
    """Train what comes, until an interrupt; in a session of its own, so that Ctrl-C reaches it through the sweep."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    with log.open("a", encoding="utf-8") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    try:
        end_with_the_run()
        _train_all(connection, profile, paths)
    except (KeyboardInterrupt, EOFError, BrokenPipeError):
        sys.exit(1)


def _train_all(connection: Connection, profile: Profile, paths: Paths) -> None:
    from assets.making.checkpoint import training_tracks
    from assets.runtime.gpus import own_device
    from sepmodels.dataset.bin_statistics import read_statistics

    (train_tracks, valid_tracks), data_version = training_tracks(paths)
    data = {
        "train_tracks": train_tracks,
        "valid_tracks": valid_tracks,
        "data_version": data_version,
        "statistics": read_statistics(paths.statistics),
    }
    alone = profile.training.processes == 1  # else a single training takes several
    with own_device(profile.device, paths.data / "locks", print) if alone else nullcontext(profile.device) as device:
        profile = replace(profile, device=device)
        while True:
            connection.send(_train(connection.recv(), profile, data, connection))


def _train(task: Task, profile: Profile, data: Mapping[str, Any], connection: Connection) -> tuple[Any, ...]:
    """Train one trial, or go on with it; gives what came of it, as :class:`Worker` says."""
    from sepmodels.training.loop import Diverged
    from sepmodels.training.train import train

    reached = 0

    def log(figures: Mapping[str, float], step: int) -> None:
        nonlocal reached
        reached = step
        connection.send(("figures", dict(figures), step))
        if SDR in figures:
            connection.send(("validated", figures[SDR], step))
            if not connection.recv():
                raise StoppedEarly

    def progress(done: int, total: int, unit: str, **_figures: float) -> None:  # noqa: ARG001
        connection.send(("progress", done, total))

    try:
        report = train(
            task.variant,
            own_training(task.variant, profile.training),
            folder=task.folder,
            seed=task.seed,
            device=profile.device,
            sample_rate_hz=profile.sample_rate_hz,
            code_version=task.code_version,
            keep_finished=True,
            log=log,
            progress=progress,
            **data,
        )
    except StoppedEarly:
        return ("stopped", reached)
    except Diverged:
        return ("diverged", reached)
    except UserError as fault:
        return ("failed", str(fault))
    except (ValueError, TypeError, RuntimeError, ArithmeticError, MemoryError) as fault:  # a model that cannot be
        return ("failed", f"{type(fault).__name__}: {fault}")
    return ("trained", report.best_validation_sdr_db, report.steps)
