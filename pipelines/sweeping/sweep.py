"""``sepbench sweep``: trains trials, one or several at once, until there are as many as were asked for."""

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from assets.paths import Paths
from assets.runtime.hosts import show_presence
from assets.tracking.run import TrackedRun
from assets.tracking.sweeps import TrackedSweep, tracked_sweep
from pipelines.running.progress_board import Bars
from pipelines.sweeping.entries import own_value, with_values
from pipelines.sweeping.preparing import Asked
from pipelines.sweeping.showing import said_of, show_end
from pipelines.sweeping.study import Sweep, opened
from pipelines.sweeping.workers import SDR, Task, Worker
from sepmodels.errors import UserError
from sepmodels.machine.folder_lock import FolderLock, Taken
from sepmodels.machine.identity import this_host
from sepmodels.machine.signals import held_signals
from sepmodels.settings import Profile

if TYPE_CHECKING:
    from optuna.trial import Trial


def sweep(asked: Asked, paths: Paths, console: Console) -> None:
    """Do what is left of a sweep, and print the entry that was best.

    Killed at any time, and called again with the same, it goes on: trials that have ended stay, and those that were
    under way go on from their last state.

    Raises :class:`UserError` while another command does this very sweep, and where no trial came to its end.
    """
    folder = asked.folder(paths)
    show_presence(paths.data)
    with (
        _alone(folder),
        opened(folder / "trials.db", asked.ranges, seed=asked.seed, steps=asked.training.steps) as study,
        tracked_sweep(
            paths.data / "mlflow", paths.profile, asked.name, asked.parameters, lambda said: _warn(console, said)
        ) as tracked,
    ):
        own = {one.name: own_value(asked.variant, asked.training, one.name) for one in asked.ranges}
        wanted = study.begin(own, asked.trials)
        if asked.training.steps is None:
            console.print("No trial is stopped early: that needs their number of steps (--steps).", highlight=False)
        if study.ended:
            console.print(f"The sweep goes on after {len(study.ended)} trials.", highlight=False)
        with Bars(console) as bars:
            _Trials(asked, paths, study, tracked, console, bars, wanted).do()
        _note_best(study, tracked)
    show_end(asked, study, folder, console)


def _warn(console: Console, sentence: str) -> None:
    console.print(f"[yellow]{escape(sentence)}[/]", highlight=False, soft_wrap=True)


def _note_best(study: Sweep, tracked: TrackedSweep) -> None:
    """In the sweep's run: how many trials there were, and the best figure."""
    figures = {"trials": float(len(study.ended))}
    if best := study.best:
        figures |= {f"best_{SDR}": best.value, "best_trial": float(best.number)}
    tracked.run.log(figures, len(study.ended))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no other command do the sweep of that folder within the block."""
    lock = FolderLock(folder / ".held", this_host())
    try:
        lock.acquire(wait=False)
    except Taken as taken:
        where = "" if str(taken) in ("", this_host()) else f", on the machine {taken}"
        raise UserError(f"Another command does the sweep in {folder}{where}, or has yet to end: wait for it.") from None
    with lock:
        yield


@dataclass
class _UnderWay:
    """A trial, the process that trains it, its run in MLflow and its bar."""

    trial: "Trial"
    values: Mapping[str, Any]
    worker: Worker
    run: TrackedRun
    bar: Any


class _Trials:
    """The trials that are under way, and what becomes of them."""

    def __init__(
        self,
        asked: Asked,
        paths: Paths,
        study: Sweep,
        tracked: TrackedSweep,
        console: Console,
        bars: Bars,
        wanted: int,
    ) -> None:
        self.asked, self.paths, self.study, self.tracked = asked, paths, study, tracked
        self.console, self.bars, self.wanted = console, bars, wanted
        self.profile: Profile = replace(asked.profile, training=asked.training)
        self.folder = asked.folder(paths)
        self.to_go_on = study.left_running()
        self.under_way: list[_UnderWay] = []
        self.idle: list[Worker] = []

    def do(self) -> None:
        """Train until there are as many trials as are wanted."""
        for place in {*self.folder.glob("trial-*")} - {*map(self._place, self.to_go_on)}:
            shutil.rmtree(place)  # of a trial that had just ended when the sweep was broken off
        with ExitStack() as workers:
            while self._fill(workers) or self.under_way:
                ready = wait([one.worker.connection for one in self.under_way])
                for one in [one for one in self.under_way if one.worker.connection in ready]:
                    self._take(one)

    def _fill(self, workers: ExitStack) -> bool:
        """Begin a trial wherever there is room; gives whether any was begun."""
        begun = False
        while len(self.under_way) < self.asked.jobs and (self.to_go_on or self.study.begun < self.wanted):
            trial = self.to_go_on.pop(0) if self.to_go_on else self.study.next()
            self._begin(trial, workers)
            begun = True
        return begun

    def _begin(self, trial: "Trial", workers: ExitStack) -> None:
        values = self.study.values(trial)
        run = self.tracked.trial(trial.number, values)
        if not self.idle:
            self.idle.append(Worker(self.profile, self.paths, self.folder / "workers.log"))
            workers.callback(self.idle[0].end)
        worker = self.idle.pop()
        bar = self.bars.add_task(f"trial {trial.number}", total=None, figures="")
        self.under_way.append(_UnderWay(trial, values, worker, run, bar))
        variant = with_values(self.asked.variant, values)
        worker.begin(Task(trial.number, variant, self._place(trial), self.asked.seed, self.asked.code_version))

    def _place(self, trial: "Trial") -> Path:
        return self.folder / f"trial-{trial.number:04d}"

    def _take(self, one: _UnderWay) -> None:
        """Take one message of a worker."""
        try:
            what, *told = one.worker.connection.recv()
        except (EOFError, ConnectionResetError):
            one.worker.process.join()
            code = one.worker.process.exitcode or 0
            how = f"signal {-code}" if code < 0 else f"status {code}"
            self._end(one, None, f"its process ended by {how}; see {self.folder / 'workers.log'}", failed=True)
            return
        if what == "figures":
            one.run.log(*told)
        elif what == "progress":
            self.bars.update(one.bar, completed=told[0], total=told[1])
        elif what == "validated":
            sdr_db, step = told
            self.bars.update(one.bar, figures=f"{sdr_db:.2f} dB")
            one.worker.answer(go_on=not self.study.should_stop(one.trial, step, sdr_db))
        else:
            self.idle.append(one.worker)
            self._ended(one, what, told)

    def _ended(self, one: _UnderWay, what: str, told: Sequence[Any]) -> None:
        if what == "trained" and math.isfinite(told[0]):
            self._end(one, told[0], "", steps=told[1])
        elif what == "stopped":
            self._end(one, None, f"stopped early, at step {told[0]}", steps=told[0])
        elif what == "diverged":  # no fault, but a figure that the search is to learn from
            self._end(one, None, f"its loss diverged after step {told[0]}", steps=told[0])
        else:
            why = told[0] if what == "failed" else "the validation SDR is not a number"
            self._end(one, None, why, failed=True)

    def _end(self, one: _UnderWay, sdr_db: float | None, why: str, *, steps: int = 0, failed: bool = False) -> None:
        """Note how the trial ended, in Optuna's storage first: that is what counts when the sweep goes on."""
        number = one.trial.number
        how = "failed" if failed else "whole" if sdr_db is not None else "stopped early"
        with held_signals():
            self.study.end(one.trial, sdr_db, steps=steps, why=why, failed=failed)
            self.tracked.end_trial(number, "FAILED" if failed else "FINISHED", how, why or None)
            shutil.rmtree(self._place(one.trial), ignore_errors=True)
        self.bars.remove_task(one.bar)
        self.under_way.remove(one)
        self.console.print(
            f"[dim]{len(self.study.ended):>3}/{self.wanted}[/] {escape(said_of(number, one.values, sdr_db, why))}",
            highlight=False,
            soft_wrap=True,
        )
