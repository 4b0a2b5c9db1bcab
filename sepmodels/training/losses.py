"""Losses: ``loss(estimate, target)`` -> a scalar, in float32.

``estimate`` is a model's :class:`~sepmodels.models.estimate.Estimate`, ``target`` the waveform of the vocals,
``(batch, channel, sample)``. All are means over every axis, so that batch and chunk length do not scale them.
"""

import functools
import inspect
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from sepmodels.errors import UserError, unknown_name
from sepmodels.models.estimate import Estimate
from sepmodels.systems.outside_code import outside_function
from sepmodels.systems.variants import Variant
from sepmodels.training.hearing_losses import (
    a_weighted_l1,
    bark_l1,
    log_magnitude_l1,
    log_wmse,
    mel_l1,
    mfcc_l1,
    multi_resolution_l1,
    si_sdr,
)

Loss = Callable[[Estimate, Tensor], Tensor]


def magnitude_mse(estimate: Estimate, target: Tensor) -> Tensor:
    """Mean squared error of magnitudes: the loss of Open-Unmix (Stöter et al. 2019)."""
    return F.mse_loss(estimate.magnitude, estimate.target_magnitude(target))


def magnitude_l1(estimate: Estimate, target: Tensor) -> Tensor:
    """Mean absolute error of magnitudes: the paper's L1 ablation."""
    return F.l1_loss(estimate.magnitude, estimate.target_magnitude(target))


def waveform_mse(estimate: Estimate, target: Tensor, *, spectral_units: bool = False) -> Tensor:
    """Mean squared error of samples: the loss of Wave-U-Net (Stoller et al. 2018).

    ``spectral_units`` multiplies it by ``sum(window^2)``, which is, by Parseval's theorem, the mean squared error
    of the (complex) STFT. Adam's steps do not depend on a loss's scale, but the weight decay that is added to
    its gradients does: samples are so much smaller than bins that their gradients would drown in it.
    """
    error = F.mse_loss(estimate.waveform, target.float())
    return error * estimate.stft.window_energy if spectral_units else error


def dual(
    estimate: Estimate,
    target: Tensor,
    *,
    magnitude_weight: float,
    waveform_weight: float,
    normalised: bool = False,
) -> Tensor:
    """A weighted sum of :func:`magnitude_mse` and :func:`waveform_mse`: the paper's dual loss, with 0.9 and 0.1.

    The STFT is not normalised: a signal of variance v has bins of mean square ``sum(window^2) * v``, which is
    1536 v at 4096 bins. Taken literally the paper's weights therefore leave the waveform a share of
    ``0.1 / (0.9 * 1536)``, 7e-5, of the loss. ``normalised`` divides the magnitude term by that window energy
    relative to the waveform's, so that the weights mean what they say: the waveform term is taken in spectral
    units, which is the same but for a factor of the whole that would let weight decay (see
    :func:`waveform_mse`) count 1536 times as much as in the other losses.
    """
    waveform_term = waveform_mse(estimate, target, spectral_units=normalised)
    return magnitude_weight * magnitude_mse(estimate, target) + waveform_weight * waveform_term


def waveform_l1(estimate: Estimate, target: Tensor) -> Tensor:
    """Mean absolute error of samples: the loss of Demucs (Défossez et al. 2019)."""
    return F.l1_loss(estimate.waveform, target.float())


def spectrogram_l1(estimate: Estimate, target: Tensor, *, waveform_weight: float = 0.0) -> Tensor:
    """Mean absolute error of the real and imaginary parts of bins, by the estimate's own STFT.

    ``waveform_weight`` adds that of samples: with 1 it is the loss of the band-split RNN (Luo and Yu 2023).
    """
    difference = torch.view_as_real(estimate.spectrogram - estimate.stft(target))
    error = difference.abs().mean()
    return error + waveform_weight * waveform_l1(estimate, target) if waveform_weight else error


class _Losses(dict[str, Callable[..., Tensor]]):
    """The losses by name, and as ``module:function`` any function of a module outside the project."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or ":" in str(name)

    def __missing__(self, name: str) -> Callable[..., Tensor]:
        return outside_function(name)


LOSSES = _Losses(
    (loss.__name__, loss)
    for loss in (
        magnitude_mse,
        magnitude_l1,
        waveform_mse,
        dual,
        waveform_l1,
        spectrogram_l1,
        log_magnitude_l1,
        mel_l1,
        bark_l1,
        mfcc_l1,
        a_weighted_l1,
        multi_resolution_l1,
        si_sdr,
        log_wmse,
    )
)


def build_loss(variant: Variant) -> Loss:
    """The loss of a variant, with its settings filled in.

    Raises :class:`UserError` for a loss that does not exist, or settings that it does not take or lacks.
    """
    if variant.loss not in LOSSES:
        raise unknown_name("loss", variant.loss, LOSSES)
    loss = LOSSES[variant.loss]
    try:
        inspect.signature(loss).bind("estimate", "target", **variant.loss_settings)
    except TypeError as problem:
        raise UserError(f"Variant {variant.name!r} does not fit the loss {variant.loss!r}: {problem}.") from None
    return functools.partial(loss, **variant.loss_settings)
