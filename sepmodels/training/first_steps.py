"""What a training's first steps came to, bit for bit, so that edited code can be compared with the code that trained.

Nothing of it decides a result: it is looked at, written down, and compared.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sepmodels.files import hash_arrays, hash_texts
from sepmodels.marks import no_part_of_a_result
from sepmodels.training.validation import Validation

STEPS = 20
SMALL_PART_SECONDS = 6.0
Record = Mapping[str, Any]  # of JSON's types
Track = np.ndarray[Any, np.dtype[np.int16]]


@no_part_of_a_result("what is recorded of a training's first steps")
class Beginning:
    """The record of a training's first steps while it is made.

    record: once all of the steps are done: ``steps``; the ``losses`` of each; a hash of the ``weights`` after them,
        averaged ones too; ``validation_loss`` and ``validation_sdr_db`` (None if silent) on a small part; what it was
        ``made_on``, for another machine rounds otherwise.
    """

    def __init__(self, steps: int) -> None:
        """steps: of an epoch, or of the training if it is shorter; what comes after depends on a whole validation."""
        self.steps = min(STEPS, steps)
        self.losses: list[Tensor] = []  # left on the device, which nobody waits for
        self.record: Record | None = None

    def follow(self, step: int, loss: Tensor, look: Callable[[], Record]) -> None:
        """Take the loss of a step; after the last one, ``look`` at weights and validation."""
        if step > self.steps or self.record is not None:
            return
        self.losses.append(loss)
        if step == self.steps:
            losses = [float(one) for one in torch.stack(self.losses).cpu()]
            self.record = {"steps": self.steps, "losses": losses, **look()}

    def state_dict(self) -> dict[str, Any]:
        """What a training that goes on needs to come to the same record."""
        record = None if self.record is None else dict(self.record)
        return {"steps": self.steps, "losses": [loss.cpu() for loss in self.losses], "record": record}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Go on where ``state`` was taken."""
        self.steps = state["steps"]
        self.losses = [loss.to(device) for loss in state["losses"]]
        self.record = state["record"]


@no_part_of_a_result("what is recorded of a training's first steps")
def look(modules: Sequence[nn.Module], found: Validation, device: torch.device) -> Record:
    """What is to be seen after the steps: the modules' weights, and how the model does on the small part."""
    return {
        "weights": hash_weights(modules),
        "validation_loss": found.loss,
        "validation_sdr_db": found.sdr_db if math.isfinite(found.sdr_db) else None,
        "made_on": made_on(device),
    }


def hash_weights(modules: Sequence[nn.Module]) -> str:
    """SHA-256 over every parameter and buffer, by name."""
    weights = [module.state_dict() for module in modules]
    return hash_texts(text for one in weights for name in sorted(one) for text in (name, _hash(one[name])))


def _hash(values: Tensor) -> str:
    return hash_arrays(values.detach().cpu().contiguous().numpy())


@no_part_of_a_result("what is recorded of a training's first steps")
def small_part(tracks: Sequence[Track], sample_rate_hz: int) -> list[Track]:
    """A few seconds from the middle of the first track that has vocals there; of the first where none has.

    tracks: int16 (stream, channel, sample), vocals last.
    """
    samples = round(SMALL_PART_SECONDS * sample_rate_hz)
    parts = [track[..., max(0, (track.shape[-1] - samples) // 2) :][..., :samples] for track in tracks]
    return [next((part for part in parts if part[-1].any()), parts[0])]


def made_on(device: torch.device) -> dict[str, Any]:
    """What decides how numbers are rounded beside code, settings and versions of libraries."""
    if device.type == "cuda":
        return {"device": torch.cuda.get_device_name(device)}
    return {
        "device": "cpu",
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }


def first_difference(before: Record, now: Record) -> str:
    """The first figure in which two records differ, in words; empty where they are equal bit for bit.

    >>> first_difference({"steps": 2, "losses": [0.5, 0.4]}, {"steps": 2, "losses": [0.5, 0.25]})
    'the loss of step 2 was 0.4 and is 0.25'
    """
    for step, (was, became) in enumerate(zip(before["losses"], now["losses"], strict=True), 1):
        if was != became:
            return f"the loss of step {step} was {was!r} and is {became!r}"
    if before.get("weights") != now.get("weights"):
        return f"the weights after step {before['steps']} are others"
    for name, words in (("validation_loss", "validation loss"), ("validation_sdr_db", "validation SDR")):
        if before.get(name) != now.get(name):
            return f"the {words} after step {before['steps']} was {before.get(name)!r} and is {now.get(name)!r}"
    return ""
