"""Ways to optimise beside Open-Unmix's: what a variant or a profile may ask for in place of it."""

import math
from typing import Any

import torch
from torch import nn

from sepmodels.settings import TrainingSettings
from sepmodels.training.loop_state import Position
from sepmodels.training.validation import Validation

LEAST_SHARE = 0.01  # of the learning rate, at the end of a cosine


def build_optimizer(settings: TrainingSettings, model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019): weights decay by themselves, not through the gradients.

    Only matrices decay: of biases, norms and scales it would only shrink what they are there for.
    """
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in model.parameters() if parameter.dim() <= 1]
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, weight_decay=settings.weight_decay, fused=True)


def follow_cosine(
    optimizer: torch.optim.Optimizer, settings: TrainingSettings, learning_rate: float, step: int, steps: int
) -> None:
    """Set the learning rate of ``step`` (from 0) of so many: warm-up, then half a cosine (Loshchilov and Hutter 2017).

    It depends on the step alone, so whatever else has set the rate since the last step changes nothing.
    """
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * cosine_share(step, settings.warmup_steps, steps)


def cosine_share(step: int, warmup_steps: int, steps: int) -> float:
    """What share of the learning rate a step has.

    >>> [round(cosine_share(step, 2, 12), 2) for step in (0, 1, 2, 12)]
    [0.5, 1.0, 1.0, 0.01]
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    passed = (step - warmup_steps) / max(1, steps - warmup_steps)
    return LEAST_SHARE + (1 - LEAST_SHARE) * 0.5 * (1 + math.cos(math.pi * min(1.0, passed)))


def has_higher_sdr(found: Validation, position: Position) -> bool:
    """Whether a validation is the best so far by its SDR; by its loss, where no track has an SDR."""
    if not math.isfinite(found.sdr_db):
        return found.loss < position.best_loss
    return not found.sdr_db <= position.best_sdr_db  # NaN before the first
