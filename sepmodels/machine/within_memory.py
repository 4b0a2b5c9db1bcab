"""Fewer segments at once where memory is short: the one place in which separation and validation go on in halves.

A step of training has ways of its own (:class:`sepmodels.training.step.Learner`), because what batch normalisation
couples cannot be parted.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from sepmodels.errors import UserError
from sepmodels.machine.devices import out_of_memory, return_freed_memory
from sepmodels.marks import speed_only

LOG = logging.getLogger(__name__)
Result = TypeVar("Result")


@speed_only
def in_halves(
    attempt: Callable[[int], Result],
    segments: int,
    device: torch.device,
    *,
    halved: Callable[[int, str], None],
    too_much: str,
) -> Result:
    """What ``attempt`` gives for so many segments at once: as many as asked for, or half of it until they fit.

    halved: told how many it is from now on, and a sentence on that, which is logged as well.
    too_much: what to say, with what to do, when one segment alone does not fit: of the UserError that is raised.
    """
    while True:
        try:
            return attempt(segments)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
        _free_memory(device)  # once the error is gone, and with it what it held
        if segments == 1:
            raise UserError(too_much)
        fewer = segments // 2
        sentence = f"Out of memory: from now on {fewer} of {segments} segments go through the model at once."
        LOG.warning(sentence)
        halved(fewer, sentence)
        segments = fewer


@speed_only
def _free_memory(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
    else:
        return_freed_memory()
