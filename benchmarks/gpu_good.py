"""How good the best recipe gets in the time that is left: its weights, and the SDR of the validation tracks."""

import copy
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from gpu_right import SEED, learner_of, sampler_of

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.settings import TrainingSettings
from sepmodels.systems.variants import find_variant, own_training
from sepmodels.training.effects import with_effects
from sepmodels.training.step import Learner, own_randomness, seed_step
from sepmodels.training.validation import Validation, validate

if TYPE_CHECKING:
    from gpu import Bench, Part

LEAST_SECONDS = 10.0
SECONDS_TO_END = 15.0  # for the last validations and the files
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
    learner, sampler = learner_of(variant, settings, bench.device), sampler_of(bench, settings)
    span = max(2.0, bench.seconds_left - SECONDS_TO_END)
    end = time.monotonic() + span
    validate_at = time.monotonic() + span / VALIDATIONS
    step, curve, best, weights = 0, [], -float("inf"), copy.deepcopy(learner.best.state_dict())
    with own_randomness(SEED, bench.device):
        while time.monotonic() < end:
            mixture, target = sampler.next_batch()
            seed_step(SEED, step, 0)
            learner.step(*with_effects(mixture, target, settings.effects))
            step += 1
            if time.monotonic() >= min(validate_at, end):
                found = validated(bench, learner)
                curve.append([step, found.loss, found.sdr_db])
                if found.sdr_db > best:
                    best, weights = found.sdr_db, copy.deepcopy(learner.best.state_dict())
                validate_at = time.monotonic() + span / VALIDATIONS
    sampler.close()
    learner.best.load_state_dict(weights)
    precision, sdr_db = fewest_bytes(bench, learner, weights)
    kept = {name: value.cpu() for name, value in learner.best.state_dict().items()}
    return {
        "variant": variant.name,
        "steps": step,
        "seconds": span,
        "settings": {"batch": settings.batch, "chunk_seconds": settings.chunk_seconds},
        "curve": curve,
        "validation_sdr_db": sdr_db,
        "weights_in": precision,
        "files": written(bench.out, kept, precision),
    }


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
