"""The first steps of a training done once more, with today's code, to be compared with those that were recorded."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sepmodels.beginning import Record
from sepmodels.devices import choose_device
from sepmodels.distributed import World, several_processes
from sepmodels.fingerprints import Fingerprint
from sepmodels.learner import choose_precision
from sepmodels.preparation import Task, prepared
from sepmodels.progress import Progress, silent
from sepmodels.sampling import Track
from sepmodels.settings import TrainingSettings
from sepmodels.states import TrainingFiles
from sepmodels.statistics import BinStatistics
from sepmodels.variants import Variant


def rehearse(
    variant: Variant,
    settings: TrainingSettings,
    *,
    recorded: Record,
    train_tracks: Sequence[Track],
    valid_tracks: Sequence[Track],
    statistics: BinStatistics,
    seed: int,
    device: str = "auto",
    sample_rate_hz: int = 44_100,
    progress: Progress = silent,
) -> Record:
    """The record of the first steps of that training, as today's code does them; no file is left behind.

    recorded: what they came to when it was trained. As many threads of a CPU are used as then, where the settings name
        no number, for that decides how sums are rounded.
    """
    if not settings.threads and "threads" in recorded["made_on"]:
        settings = replace(settings, threads=recorded["made_on"]["threads"])
    with tempfile.TemporaryDirectory() as folder:
        files = TrainingFiles(Path(folder), Fingerprint("", "", "", "", ""))
        chosen = choose_device(device, settings.processes)
        settings = replace(settings, precision=choose_precision(settings.precision, chosen))
        task = Task(variant, settings, train_tracks, valid_tracks, statistics, files, seed, chosen, sample_rate_hz, ())
        with several_processes(settings.processes, _rehearse, task) as world:
            return _rehearse(world, task, progress)


def _rehearse(world: World, task: Task, progress: Progress = silent) -> Record:
    """What each process does."""
    with prepared(world, task) as (trainer, interruptions):
        return trainer.rehearse(interruptions, progress)
