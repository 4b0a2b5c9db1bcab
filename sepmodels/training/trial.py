"""One batch of noise through a variant, so that what cannot be trained is said before anything waits for it."""

from pathlib import Path

import torch

from sepmodels.errors import UserError
from sepmodels.models.architectures import build_model
from sepmodels.systems.outside_code import in_place
from sepmodels.systems.outside_variants import OutsideVariant
from sepmodels.systems.variants import Variant
from sepmodels.training.losses import build_loss

SECONDS = 2  # enough for a frame of any transform


def try_variant(variant: Variant, sample_rate_hz: int) -> None:
    """Make the variant's model, an estimate of noise, its loss and the gradients; nothing of it is kept.

    Raises :class:`UserError` for an estimate or a loss that is none, and for whatever fails on the way.
    """
    with torch.random.fork_rng(devices=[]):
        try:
            _try(variant, sample_rate_hz)
        except UserError:
            raise
        except Exception as fault:
            raise UserError(
                f"Variant {variant.name!r} fails on {SECONDS} s of noise ({type(fault).__name__}: {fault}): mend it"
                f"{in_place(fault, _home(variant))}."
            ) from fault


def _home(variant: Variant) -> Path | None:
    """The folder of the person's own files, if it is made of such."""
    if not isinstance(variant, OutsideVariant):
        return None
    return variant.home if variant.home.is_dir() else variant.home.parent


def _try(variant: Variant, sample_rate_hz: int) -> None:
    model, loss = build_model(variant, sample_rate_hz=sample_rate_hz), build_loss(variant)
    mixture = 0.1 * torch.randn(2, 2, SECONDS * sample_rate_hz)
    estimate = model.train()(mixture)
    if estimate.waveform.shape != mixture.shape:
        raise UserError(
            f"Variant {variant.name!r} gives vocals of shape {tuple(estimate.waveform.shape)} for a mixture of "
            f"{tuple(mixture.shape)}: they must be the same."
        )
    error = loss(estimate, 0.5 * mixture)
    if error.shape:
        raise UserError(f"The loss {variant.loss!r} gives {error.numel()} numbers: it must give one.")
    torch.autograd.backward(error)
