"""Training of one variant: sample, learn, validate, keep the best, and be ready to be killed at any step.

The recipe is Open-Unmix's (``scripts/train.py``, 1.3.0): Adam with weight decay, the learning rate reduced on
plateaus of the validation loss, early stopping, validation on whole true mixtures after every epoch.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.errors import UserError
from sepmodels.limits import check_limits, check_training
from sepmodels.machine.devices import choose_device, peak_memory_gib
from sepmodels.machine.hardware import processor_name
from sepmodels.progress import Progress, silent
from sepmodels.settings import TrainingSettings
from sepmodels.systems.variants import Variant
from sepmodels.training.batches import Track
from sepmodels.training.fingerprint import fingerprint
from sepmodels.training.loop import Log, Trainer, unheard
from sepmodels.training.lost_device import told_when_lost
from sepmodels.training.preparation import Task, prepared
from sepmodels.training.processes import World, several_processes
from sepmodels.training.run_folder import TrainingFiles, by_step
from sepmodels.training.step import choose_precision

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingReport:
    """What came of a training.

    best_step, best_validation_loss, best_validation_sdr_db: of the model that was kept.
    seconds: in all, over interruptions. processor_seconds: of the first process, all its threads together, which says
        what a training costs on a CPU whatever runs beside it.
    chunks_per_second, data_share: while stepping: the rate, and the share of time spent waiting for batches.
    peak_memory_gib: of the GPU, or of the process on a CPU.
    device, hardware: such as "cuda:0", and what it is called. libraries: those that decide the weights, with versions.
    stopped_by: "epochs", "steps", "minutes" or "patience".
    notes: what was done for memory or not resumed, in sentences.
    """

    variant: str
    seed: int
    steps: int
    epochs: int
    parameters: int
    best_step: int
    best_validation_loss: float
    best_validation_sdr_db: float
    seconds: float
    processor_seconds: float
    chunks_per_second: float
    data_share: float
    peak_memory_gib: float
    device: str
    hardware: str
    precision: str
    libraries: str
    feeding: str
    stopped_by: str
    notes: tuple[str, ...]


def train(
    variant: Variant,
    settings: TrainingSettings,
    *,
    train_tracks: Sequence[Track],
    valid_tracks: Sequence[Track],
    statistics: BinStatistics,
    folder: Path,
    seed: int,
    device: str = "auto",
    sample_rate_hz: int = 44_100,
    code_version: str = "",
    accepted_versions: Collection[str] = (),
    data_version: str = "",
    keep_finished: bool = False,
    log: Log,
    progress: Progress = silent,
) -> TrainingReport:
    """Train ``variant`` and leave the best model, by its validation (``chosen_by``), as ``folder/model.safetensors``.

    Beside it are ``history.parquet`` (step, name, value), ``training.json`` (the report), and until it has ended
    the last two training states. Killed at any time and called again with the same arguments, training goes on
    from the last state, and its losses and weights are bit for bit those of a training that was never interrupted
    (same machine and versions). A state of another variant, settings, seed, precision, data or ``code_version`` is not
    used: training starts anew.

    train_tracks, valid_tracks: int16 (stream, channel, sample), streams as in :data:`sepmodels.audio.STREAMS`.
    device: with ``settings.processes`` of several, the first of so many GPUs; on the CPU they share its cores.
        Gradients and batch normalisation are those of the whole batch, so that only rounding and the draws of
        dropout differ from one process's.
    accepted_versions: of code that a person has said to train as this does; what it has finished is kept.
    data_version: of the tracks, where their whole content is known to the caller; training itself looks at samples
        of it.
    keep_finished: a training that has ended already, with the same arguments, is not done again: its report is given
        back. Without, it starts anew.
    log: called with figures and the step they belong to; of a training that goes on, with those from before first.
    progress: in steps.

    Raises UserError where nothing can be learned (no tracks, silent vocals), for a setting that cannot be, or when the
    loss is not a number or explodes; the best model so far and the states from before stay.
    """
    _check(train_tracks, valid_tracks, settings)
    chosen = choose_device(device, settings.processes)
    settings = replace(settings, precision=choose_precision(settings.precision, chosen))
    identity = fingerprint(
        variant,
        settings,
        seed=seed,
        sample_rate_hz=sample_rate_hz,
        tracks=(train_tracks, valid_tracks),
        statistics=statistics,
        code_version=code_version,
        data_version=data_version,
    )
    files = TrainingFiles(folder, identity, accepted_versions)
    if keep_finished and (kept := _kept(files, log, progress)):
        return kept
    notes = files.begin()
    for note in notes:
        LOG.info(note)
    task = Task(variant, settings, train_tracks, valid_tracks, statistics, files, seed, chosen, sample_rate_hz, notes)
    with several_processes(settings.processes, _train, task) as world:
        return _train(world, task, log, progress)


def _kept(files: TrainingFiles, log: Log, progress: Progress) -> TrainingReport | None:
    """The report of the training, if it has ended before; its figures are logged again."""
    kept = files.finished()
    if kept is None:
        return None
    report = TrainingReport(**{**kept, "notes": tuple(kept["notes"])})
    LOG.info(f"{report.variant}, seed {report.seed}, was trained before: it is kept.")
    for step, figures in by_step(files.read_history()):
        log(figures, step)
    progress(report.steps, report.steps, "step")
    return report


@told_when_lost
def _train(world: World, task: Task, log: Log = unheard, progress: Progress = silent) -> TrainingReport:
    """What each process does."""
    with prepared(world, task) as (trainer, interruptions):
        trainer.run(interruptions, log, progress)
        report = _report(trainer, task.notes)
        if world.leads:
            task.files.finish(asdict(report), trainer.beginning.record)
        return report


def _check(train_tracks: Sequence[Track], valid_tracks: Sequence[Track], settings: TrainingSettings) -> None:
    check_limits(settings, "training.")
    check_training(settings)
    if not train_tracks:
        raise UserError("There is no track to train on: the training split is empty.")
    if not valid_tracks:
        raise UserError(
            "There is no track to validate on: the validation split is empty. Add training tracks, or raise the "
            "dataset's validation_share, so that at least one is held out."
        )
    for name, tracks in (("training", train_tracks), ("validation", valid_tracks)):
        if not any(track[-1].any() for track in tracks):
            raise UserError(f"The vocals are silent in all {len(tracks)} {name} tracks: check the dataset's stems.")


def _hardware(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name()


def _report(trainer: Trainer, notes: tuple[str, ...]) -> TrainingReport:
    position = trainer.position
    stepping = max(position.stepping_seconds, 1e-9)
    return TrainingReport(
        variant=trainer.variant.name,
        seed=trainer.seed,
        steps=position.step,
        epochs=position.epoch,
        parameters=sum(parameter.numel() for parameter in trainer.learner.model.parameters()),
        best_step=position.best_step,
        best_validation_loss=position.best_loss,
        best_validation_sdr_db=position.best_sdr_db,
        seconds=position.seconds,
        processor_seconds=position.processor_seconds,
        chunks_per_second=position.step * trainer.settings.batch / stepping,
        data_share=position.waiting_seconds / stepping,
        peak_memory_gib=peak_memory_gib(trainer.learner.device),
        device=str(trainer.learner.device),
        hardware=_hardware(trainer.learner.device),
        libraries=f"torch {torch.__version__}, numpy {np.__version__}",
        precision=trainer.learner.precision,
        feeding=trainer.sampler.feeding,
        stopped_by=trainer.stopped_by(),
        notes=(*notes, *trainer.learner.notes),
    )
