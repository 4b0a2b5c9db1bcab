"""How good the best recipe gets in the time that is left: its weights, and the SDR of the validation tracks."""

import copy
import io
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from gpu_fast import wait_for
from gpu_right import SEED, learner_of, sampler_of

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.settings import TrainingSettings, changed
from sepmodels.systems.variants import Variant, find_variant, own_training
from sepmodels.training.batches import ChunkSampler
from sepmodels.training.effects import with_effects
from sepmodels.training.optimisation import follow_cosine
from sepmodels.training.step import Learner, own_randomness, seed_step
from sepmodels.training.validation import Validation, validate

if TYPE_CHECKING:
    from gpu import Bench, Part

LEAST_SECONDS = 10.0
SECONDS_TO_END = 15.0  # for the last validations and the files
SHARE_OF_STEPS = 0.9  # of the time: the rest is for validations
TIMED_STEPS = 20, 5  # on a GPU and on a CPU, by which the others are planned
VALIDATIONS = 12
FILE_BYTES = 15 * 2**20
SAME_DB = 0.01


def parts(bench: "Bench") -> Iterator["Part"]:
    """One training, to the end of the time."""
    yield f"good/{bench.recipe}", LEAST_SECONDS, lambda: trained(bench)


def trained(bench: "Bench") -> dict[str, Any]:
    """Train the recipe on the clips, keep the weights of the best validation SDR, and write them to the folder."""
    variant = find_variant(bench.recipe)
    shared = TrainingSettings(batch=bench.scale.batches[0], chunk_seconds=min(3.0, bench.scale.chunk_seconds))
    settings = own_training(variant, shared)
    span = max(2.0, bench.seconds_left - SECONDS_TO_END)
    end = time.monotonic() + span
    settings = replace(settings, steps=steps_within(bench, variant, settings, end))
    learner, sampler = learner_of(variant, settings, bench.device), sampler_of(bench, settings)
    curve, best, weights = [], -float("inf"), copy.deepcopy(learner.best.state_dict())
    every, begun = max(1, settings.steps // VALIDATIONS), time.monotonic()
    with own_randomness(SEED, bench.device):
        for step in range(settings.steps):
            one_step(learner, sampler, variant, step)
            late = time.monotonic() >= end
            if late or (step + 1) % every == 0 or step + 1 == settings.steps:
                found = validated(bench, learner)
                curve.append([step + 1, found.loss, found.sdr_db])
                if found.sdr_db > best:
                    best, weights = found.sdr_db, copy.deepcopy(learner.best.state_dict())
            if late:
                break
    sampler.close()
    trained_for = time.monotonic() - begun
    learner.best.load_state_dict(weights)
    precision, sdr_db = fewest_bytes(bench, learner, weights)
    kept = {name: value.cpu() for name, value in learner.best.state_dict().items()}
    return {
        "variant": variant.name,
        "steps": curve[-1][0],
        "planned_steps": settings.steps,
        "seconds": trained_for,  # of steps and validations
        "settings": {"batch": settings.batch, "chunk_seconds": settings.chunk_seconds},
        "curve": curve,
        "validation_sdr_db": sdr_db,  # the highest of all in the curve
        "weights_in": precision,
        "files": written(bench.out, kept, precision),
    }


def steps_within(bench: "Bench", variant: Variant, settings: TrainingSettings, end: float) -> int:
    """How many steps fit until then, by the pace of a few: the learning rate has to know before the first."""
    learner, sampler = learner_of(variant, settings, bench.device), sampler_of(bench, settings)
    count = TIMED_STEPS[bench.device.type == "cpu"]
    for step in range(2 * count):
        if step == count:  # the first ones are slower
            wait_for(bench.device)
            begun = time.monotonic()
        one_step(learner, sampler, variant, step)
    wait_for(bench.device)
    sampler.close()
    pace = (time.monotonic() - begun) / count
    return max(1, round(SHARE_OF_STEPS * (end - time.monotonic()) / pace))


def one_step(learner: Learner, sampler: ChunkSampler, variant: Variant, step: int) -> None:
    """A step as a training does it: the learning rate of the step, seeded dropout, effects."""
    settings = learner.settings
    if changed(settings, "schedule") and settings.steps:
        follow_cosine(learner.optimizer, settings, variant.learning_rate, step, settings.steps)
    mixture, target = sampler.next_batch()
    seed_step(SEED, step, 0)
    learner.step(*with_effects(mixture, target, settings.effects))


def validated(bench: "Bench", learner: Learner) -> Validation:
    """On the whole validation tracks."""
    with learner.autocast():
        return validate(
            learner.best,
            learner.loss,
            bench.tracks["valid"],
            device=bench.device,
            sample_rate_hz=SAMPLE_RATE_HZ,
            batch_seconds=60.0,
        )


def fewest_bytes(bench: "Bench", learner: Learner, weights: dict[str, torch.Tensor]) -> tuple[str, float]:
    """Half precision where the validation SDR stays the same, else float32; and that SDR. The model has them then."""
    whole = validated(bench, learner).sdr_db
    learner.best.load_state_dict({name: _halved(value).to(value.dtype) for name, value in weights.items()})
    halved = validated(bench, learner).sdr_db
    if abs(whole - halved) <= SAME_DB:
        return "float16", halved
    learner.best.load_state_dict(weights)
    return "float32", whole


def _halved(value: torch.Tensor) -> torch.Tensor:
    return value.half() if value.dtype == torch.float32 else value


def written(folder: Path, weights: dict[str, torch.Tensor], precision: str) -> list[str]:
    """The weights by torch.save, in files that are small enough to be brought back: `cat weights.pt.* > weights.pt`."""
    stream = io.BytesIO()
    torch.save({name: _halved(value) if precision == "float16" else value for name, value in weights.items()}, stream)
    content = stream.getvalue()
    names = []
    for number, begin in enumerate(range(0, len(content), FILE_BYTES)):
        names.append(f"weights.pt.{number:02}")
        (folder / names[-1]).write_bytes(content[begin : begin + FILE_BYTES])
    return names
