"""The first steps of a training done once more, with today's code, to be compared with those that were recorded."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.machine.devices import choose_device
from sepmodels.progress import Progress, silent
from sepmodels.settings import TrainingSettings
from sepmodels.systems.variants import Variant
from sepmodels.training.batches import Track
from sepmodels.training.fingerprint import Fingerprint
from sepmodels.training.first_steps import Record
from sepmodels.training.preparation import Task, prepared
from sepmodels.training.processes import World, several_processes
from sepmodels.training.run_folder import TrainingFiles
from sepmodels.training.step import choose_precision


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
