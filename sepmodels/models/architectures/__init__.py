"""Architectures: one file each, found by name.

A file ``<architecture>.py`` here holds

- ``Config``, a frozen dataclass with a default for every field: what ``Variant.settings`` may set;
- ``Model(config, statistics, sample_rate_hz)``, a ``torch.nn.Module`` that keeps ``sample_rate_hz`` as an
  attribute and whose ``forward`` takes a mixture ``(batch, channel, sample)`` of two channels and any length
  and returns the :class:`~sepmodels.models.estimate.Estimate` of its vocals, of the same length.

Nothing else is needed for a new one: it is trained, separates and is scored by the name in its variant.
"""

import dataclasses
import importlib
import pkgutil

from torch import nn

from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.errors import UserError, unknown_name
from sepmodels.marks import words_only
from sepmodels.systems.variants import Variant

_SHARED = ("masking",)  # building blocks: not architectures


def architectures() -> list[str]:
    """The names of all architectures, by the files that are there."""
    return [module.name for module in pkgutil.iter_modules(__path__) if module.name not in _SHARED]


def build_model(
    variant: Variant, statistics: BinStatistics | None = None, *, sample_rate_hz: int = 44_100
) -> nn.Module:
    """The model of a variant, on the CPU, in training mode, its weights drawn from torch's global generator.

    ``statistics`` are the first values of the input's scaling (none: it begins unscaled, as when weights are
    loaded afterwards).

    Raises :class:`UserError` for an unknown architecture, or settings that it does not have.
    """
    known = architectures()
    if variant.architecture not in known:
        raise unknown_name("architecture", variant.architecture, known)
    module = importlib.import_module(f"{__name__}.{variant.architecture}")
    fields = [field.name for field in dataclasses.fields(module.Config)]
    for name in variant.settings:
        if name not in fields:
            raise unknown_name(f"setting of the architecture {variant.architecture!r} called", name, fields)
    try:
        model: nn.Module = module.Model(module.Config(**variant.settings), statistics, sample_rate_hz)
    except (ValueError, TypeError, RuntimeError, ArithmeticError) as problem:
        reason = words_only(str(problem).partition("\n")[0].rstrip("."))
        raise UserError(f"Variant {variant.name!r} has settings that make no model: {reason}.") from problem
    return model
