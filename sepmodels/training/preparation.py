"""A training made ready in one process: its model, optimiser, batches and validation."""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Concatenate, ParamSpec

import torch

from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.machine.devices import cpu_threads, device_of_rank, prepare_device
from sepmodels.machine.signals import Interruptions, held_signals
from sepmodels.marks import no_part_of_a_result, speed_only
from sepmodels.models.architectures import build_model
from sepmodels.settings import TrainingSettings
from sepmodels.systems.variants import Variant
from sepmodels.training.batches import ChunkSampler, Track
from sepmodels.training.first_steps import Record, look, small_part
from sepmodels.training.loop import Trainer
from sepmodels.training.losses import build_loss
from sepmodels.training.processes import ALONE, World
from sepmodels.training.run_folder import TrainingFiles
from sepmodels.training.step import Learner, own_randomness
from sepmodels.training.validation import Validation, memory_notes, validate

Others = ParamSpec("Others")
LEAST_VALIDATION_BATCH_SECONDS = 60.0  # short clips together: it takes less memory than training, and a third less time


@dataclass(frozen=True)
class Task:
    """What is to be trained, for every process."""

    variant: Variant
    settings: TrainingSettings
    train_tracks: Sequence[Track]
    valid_tracks: Sequence[Track]
    statistics: BinStatistics
    files: TrainingFiles
    seed: int
    device: torch.device
    sample_rate_hz: int
    notes: tuple[str, ...]


@contextmanager
def prepared(world: World, task: Task) -> Iterator[tuple[Trainer, Interruptions]]:
    """A training that is ready to begin, or to go on, in one of its processes; and what interrupts it."""
    variant, settings = task.variant, task.settings
    device = device_of_rank(task.device, world.rank)
    prepare_device(device, settings.memory_budget_gb)
    with (
        cpu_threads(settings.threads),
        closing(_sampler(world, task, device)) as sampler,
        own_randomness(task.seed, device),
        held_signals() as interruptions,
    ):
        model = build_model(variant, task.statistics, sample_rate_hz=task.sample_rate_hz)
        learner = Learner(
            model, build_loss(variant), settings, learning_rate=variant.learning_rate, device=device, world=world
        )
        validated = functools.partial(_validated, learner, sample_rate_hz=task.sample_rate_hz)
        trainer = Trainer(
            variant,
            task.seed,
            learner,
            sampler,
            functools.partial(validated, task.valid_tracks, learner.world),
            functools.partial(_first_look, learner, small_part(task.valid_tracks, task.sample_rate_hz), validated),
            task.files,
            steps_per_epoch=max(1, len(task.train_tracks) * settings.chunks_per_track // settings.batch),
        )
        yield trainer, interruptions


@no_part_of_a_result("what is recorded of a training's first steps")
def _first_look(learner: Learner, tracks: Sequence[Track], validated: Callable[..., Validation]) -> Record:
    """What is recorded after the first steps; in one process, for all have the same weights."""
    if not learner.world.leads:
        return {}
    modules = [learner.model, *([learner.average] if learner.average is not None else [])]
    return look(modules, validated(tracks, ALONE, lambda: None), learner.device)


def _sampler(world: World, task: Task, device: torch.device) -> ChunkSampler:
    return ChunkSampler(
        task.train_tracks,
        task.settings,
        seed=task.seed,
        device=device,
        sample_rate_hz=task.sample_rate_hz,
        rank=world.rank,
        ranks=world.ranks,
    )


@speed_only
def _noted(
    validated: Callable[Concatenate[Learner, Others], Validation],
) -> Callable[Concatenate[Learner, Others], Validation]:
    """A validation after which the training's notes say what it did for memory."""

    @functools.wraps(validated)
    def run(learner: Learner, /, *others: Others.args, **named: Others.kwargs) -> Validation:
        found = validated(learner, *others, **named)
        learner.notes += [note for note in memory_notes(learner.best) if note not in learner.notes]
        return found

    return run


@_noted
def _validated(
    learner: Learner, tracks: Sequence[Track], world: World, between: Callable[[], None], *, sample_rate_hz: int
) -> Validation:
    settings = learner.settings
    with learner.autocast():
        return validate(
            learner.best,
            learner.loss,
            tracks,
            device=learner.device,
            sample_rate_hz=sample_rate_hz,
            batch_seconds=max(LEAST_VALIDATION_BATCH_SECONDS, settings.batch * settings.chunk_seconds),
            between=between,
            world=world,
        )
