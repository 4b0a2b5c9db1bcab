"""The seam between the benchmark and whatever starts processes on other machines."""

import os
import site
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from sepmodels.cluster.part import Needs
from sepmodels.cluster.same_code import ROOT, code_digest
from sepmodels.cluster.settings import ClusterSettings

State = Literal["waiting", "running"]
WORKER = "sepmodels.cluster.worker"
PRIVATE = ("SEPBENCH_", "DAGSTER_", "MLFLOW_")  # variables of the head, a database's password among them


class Away(Exception):
    """The engine does not answer at the moment; says why."""


class Unreached(Away):
    """Object storage, or what a part needs of it, is not to be had at the moment; says why in a sentence."""


class Engine(Protocol):
    """Starts workers, each for the folder of a part, and knows them by jobs: texts that another head understands."""

    name: str
    follows: bool  # whether its workers end with the process that starts them

    def submit(self, words: Sequence[str], outputs: Path, needs: Needs, command: Sequence[str]) -> list[str]:
        """Start a worker for each word, which becomes the command's last; gives their jobs.

        outputs: a folder on the worker's machine, for what it prints.

        Raises :class:`Away` where the engine does not take them.
        """

    def states(self, jobs: Collection[str]) -> Mapping[str, tuple[State, str]]:
        """The jobs that have not ended, and for those that wait why, if it is known. Raises :class:`Away`."""

    def cancel(self, jobs: Collection[str], *, at_once: bool = False) -> None:
        """Tell jobs to save and end; those that still wait never begin. at_once: end them without saving."""


@dataclass(frozen=True)
class Shipped:
    """What every worker is given beside its folder.

    libraries: that decide the product, with the versions that the head has.
    """

    settings: ClusterSettings
    libraries: Mapping[str, str]

    def command(self, follow: bool) -> list[str]:
        """The words that start a worker, up to the folder. Python is not to look for modules where it happens to be."""
        words = [*(self.settings.command or (sys.executable,)), "-P", "-m", WORKER, "--digest", code_digest()]
        words += ["--follow"] if follow else []
        if (storage := self.settings.storage).url:
            words += ["--storage", storage.url, "--cache", storage.cache, "--cache-gb", str(storage.cache_gb)]
        return [*words, "--libraries", *(f"{name}={version}" for name, version in self.libraries.items()), "--"]


def variables(needs: Needs) -> dict[str, str]:
    """What a worker's environment has to have."""
    found = {"OMP_NUM_THREADS": str(needs.processors), "OPENBLAS_NUM_THREADS": str(needs.processors)}
    if str(ROOT) not in site.getsitepackages():  # a checkout: the code lies where the head has it
        found["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return found


def without_private(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what only the head is to know."""
    return {name: value for name, value in environment.items() if not name.startswith(PRIVATE)}
