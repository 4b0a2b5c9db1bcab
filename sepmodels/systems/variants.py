"""The one list of variants: a new one is one entry here (and a file in ``models/architectures/``
for a new architecture).

Importing this module is cheap and needs no torch: an entry names its architecture and loss, and only
:func:`sepmodels.models.architectures.build_model` and :func:`sepmodels.training.losses.build_loss` import them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sepmodels.errors import UserError, unknown_name
from sepmodels.settings import Profile, result_settings
from sepmodels.systems.system import System

Settings = Mapping[str, int | float | str | bool]
# What comes after the model makes no checkpoint stale; the step of the estimates names it among its own settings.
SEPARATION_ONLY = MappingProxyType({"speed_only": True})


@dataclass(frozen=True)
class Variant(System):
    """A system that is trained here, and compared with the baseline.

    summary: one sentence on what it is, and how it differs from the baseline.
    architecture: the module of :mod:`sepmodels.models.architectures` that has its ``Config`` and ``Model``.
    settings: keyword arguments of that ``Config``.
    loss: a function of :mod:`sepmodels.training.losses`.
    loss_settings: keyword arguments of that function, beside the estimate and the target.
    learning_rate: Adam's initial step size.
    wiener_iterations: of the multichannel Wiener filter that refines its estimates
        (:mod:`sepmodels.separation.wiener`). The model knows nothing of it, so that it trains nothing again.
    """

    architecture: str
    loss: str
    settings: Settings = field(default_factory=dict)
    loss_settings: Settings = field(default_factory=dict)
    learning_rate: float = 1e-3
    wiener_iterations: int = field(default=0, metadata=SEPARATION_ONLY)

    kind = "trained"
    says = "Trained here."
    chain = ("checkpoint", "estimates", "scores")
    seeded = True
    compared = True

    @property
    def functions(self) -> tuple[str, ...]:
        """The configuration and the model of its architecture."""
        return tuple(f"sepmodels.models.architectures.{self.architecture}:{part}" for part in ("Config", "Model"))


BASELINE = "open_unmix"

_ALL = (
    Variant(
        name="open_unmix",
        title="Open-Unmix",
        summary="Open-Unmix as published: three BiLSTM layers make a soft mask; MSE on magnitudes.",
        architecture="open_unmix",
        loss="magnitude_mse",
    ),
    Variant(
        name="time_domain",
        title="Time domain",
        summary="Open-Unmix x Wave-U-Net: a convolutional encoder and decoder around the same BiLSTM, on waveforms.",
        architecture="time_domain",
        loss="waveform_mse",
        loss_settings=MappingProxyType({"spectral_units": True}),
    ),
    Variant(
        name="time_domain_22khz",
        title="Time domain, 22.05 kHz",
        summary="The time-domain model at half the sample rate.",
        architecture="time_domain",
        loss="waveform_mse",
        loss_settings=MappingProxyType({"spectral_units": True}),
        settings=MappingProxyType({"sample_rate_hz": 22_050}),
    ),
    Variant(
        name="transformer",
        title="Transformer",
        summary="Open-Unmix with a Transformer encoder of comparable size in place of the BiLSTM.",
        architecture="transformer",
        loss="magnitude_mse",
    ),
    Variant(
        name="l1_loss",
        title="L1 loss",
        summary="Open-Unmix trained with L1 on magnitudes in place of MSE.",
        architecture="open_unmix",
        loss="magnitude_l1",
    ),
    Variant(
        name="dual_loss",
        title="Dual loss",
        summary="Open-Unmix trained with 0.9 magnitude MSE + 0.1 time MSE, literally as in the paper.",
        architecture="open_unmix",
        loss="dual",
        loss_settings={"magnitude_weight": 0.9, "waveform_weight": 0.1},
    ),
    Variant(
        name="dual_loss_balanced",
        title="Dual loss, balanced",
        summary="The dual loss with its magnitude term divided by the energy of the STFT window.",
        architecture="open_unmix",
        loss="dual",
        loss_settings={"magnitude_weight": 0.9, "waveform_weight": 0.1, "normalised": True},
    ),
)


def by_name(variants: Iterable[Variant]) -> dict[str, Variant]:
    """The variants by their names; raises :class:`UserError` for a name that is taken or cannot be one."""
    named: dict[str, Variant] = {}
    for variant in variants:
        if not re.fullmatch("[a-z][a-z0-9_]*", variant.name):
            raise UserError(f"A variant cannot be called {variant.name!r}: use small letters, digits and _ only.")
        if variant.name in named:
            raise UserError(f"Two variants are called {variant.name!r}: give one of them another name.")
        named[variant.name] = variant
    return named


VARIANTS: dict[str, Variant] = by_name(_ALL)
# What only a claim needs: trained where a profile asks for it (its ``extra_variants``), and nowhere else.
ON_REQUEST = frozenset({"time_domain_22khz"})


def variants_of(profile: Profile) -> dict[str, Variant]:
    """The variants that the profile trains: all but those on request, and of these the ones that it asks for."""
    return {
        name: variant for name, variant in VARIANTS.items() if name not in ON_REQUEST or name in profile.extra_variants
    }


def find_variant(name: str) -> Variant:
    """The variant of that name; raises :class:`UserError` that suggests the nearest for an unknown one."""
    if name not in VARIANTS:
        raise unknown_name("variant", name, VARIANTS)
    return VARIANTS[name]


def configuration(variant: Variant) -> dict[str, Any]:
    """What decides a variant's result: all but its name and its words, of JSON's types."""
    chosen = result_settings(variant)
    del chosen["name"]
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in chosen.items()}
