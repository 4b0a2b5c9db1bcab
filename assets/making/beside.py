"""Training beside the models that are there: they stay as they are until the new ones are whole.

So songs can be separated by the model of before while another is trained, also after that was killed half way.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from assets.job import Job, Made
from assets.paths import Paths
from sepmodels.files import replacing, temporary_beside

LAST = "training.json"  # says that a training has ended: it comes to its place after all else


class Beside(Paths):
    """The places of a profile's products, with trainings in folders of their own."""

    def checkpoint(self, variant: str, seed: int) -> Path:
        return self.root / "checkpoints" / variant / "under-way" / f"seed_{seed}"

    def training_figures(self, variant: str) -> Path:
        return self.root / "checkpoints" / variant / "under-way" / "figures.parquet"


def trained_beside(job: Job, make: Callable[[Job], Made]) -> Made:
    """Let ``make`` train the job's variant in folders of its own; what it has made takes its place at the end.

    A seed that has been trained goes along as links, so that it is kept if nothing has changed for it. If ``make`` ends
    by an exception, or is killed, its folders stay, and the next call goes on in them.
    """
    beside = Beside(job.paths.data, job.paths.profile)
    for seed in job.profile.seeds:
        _take_along(job.paths.checkpoint(job.name, seed), beside.checkpoint(job.name, seed))
    made = make(replace(job, paths=beside))
    for seed in job.profile.seeds:
        _put_in_place(beside.checkpoint(job.name, seed), job.paths.checkpoint(job.name, seed))
    beside.training_figures(job.name).replace(job.paths.training_figures(job.name))
    if not any(beside.training_figures(job.name).parent.iterdir()):
        beside.training_figures(job.name).parent.rmdir()
    return made


def _take_along(old: Path, new: Path) -> None:
    """Begin a training's folder with the files of the last one, which whoever writes them replaces."""
    if new.exists() or not old.exists():
        return
    new.parent.mkdir(parents=True, exist_ok=True)
    begun = temporary_beside(new)
    begun.mkdir()
    for file in filter(Path.is_file, old.iterdir()):
        _link(file, begun / file.name)
    if (old / "states").exists():  # of a training that began here before trainings had folders of their own
        (old / "states").rename(begun / "states")
    begun.rename(new)


def _put_in_place(new: Path, old: Path) -> None:
    files = sorted(filter(Path.is_file, new.iterdir()), key=lambda file: file.name == LAST)
    for file in files:
        with replacing(old / file.name) as temporary:
            _link(file, temporary)
    shutil.rmtree(new)


def _link(file: Path, place: Path) -> None:
    try:
        os.link(file, place)
    except OSError:  # a file system without links
        shutil.copy2(file, place)
