"""An engine of processes on this machine: the seam, without a cluster."""

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from sepmodels.cluster.engine import Away, State, variables
from sepmodels.cluster.part import Needs, Part
from sepmodels.cluster.settings import ClusterSettings

WORKER = (sys.executable, str(Path(__file__).with_name("cluster_worker.py")))


class Processes:
    """Jobs are the numbers of processes, so that another head knows them, too.

    refuses: whether it does not take what is submitted, for each time that something is; then it does.
    """

    name = "slurm"  # which settings can name
    follows = False

    def __init__(self) -> None:
        self.begun: list[subprocess.Popen] = []
        self.refuses: list[bool] = []

    def submit(self, words: Sequence[str], outputs: Path, needs: Needs, command: Sequence[str]) -> list[str]:
        if self.refuses and self.refuses.pop(0):
            raise Away("Socket timed out")
        started = []
        for word in words:
            with (outputs / "output.txt").open("ab") as output:
                started.append(
                    subprocess.Popen(
                        [*command, word],
                        env={**os.environ, **variables(needs)},
                        stdout=output,
                        stderr=output,
                        start_new_session=True,
                    )
                )
        self.begun += started
        return [str(one.pid) for one in started]

    def states(self, jobs: Collection[str]) -> Mapping[str, tuple[State, str]]:
        for one in self.begun:
            one.poll()
        return {job: ("running", "") for job in jobs if _lives(int(job))}

    def cancel(self, jobs: Collection[str], *, at_once: bool = False) -> None:
        for job in jobs:
            if _lives(int(job)):
                os.kill(int(job), signal.SIGKILL if at_once else signal.SIGTERM)


def _lives(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass
class Heard:
    """What a head was told. stop_at: raises KeyboardInterrupt when so much is done."""

    stop_at: int = 0
    curves: dict[str, list[int]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    shown: list[tuple[int, int, str]] = field(default_factory=list)

    def log(self, part: Part, figures: Mapping[str, float], step: int) -> None:
        assert list(figures) == ["loss"]
        self.curves.setdefault(part.name, []).append(step)

    def progress(self, done: int, total: int, unit: str, **_figures: float) -> None:
        self.shown.append((done, total, unit))
        if self.stop_at and done >= self.stop_at:
            raise KeyboardInterrupt

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    warn = say


def settings(**changes: Any) -> ClusterSettings:
    return ClusterSettings(executor="slurm", command=WORKER, **changes)
