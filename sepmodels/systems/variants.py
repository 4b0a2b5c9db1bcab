"""The one list of variants: a new one is one entry here (and a file in ``models/architectures/``
for a new architecture).

Importing this module is cheap and needs no torch: an entry names its architecture and loss, and only
:func:`sepmodels.models.architectures.build_model` and :func:`sepmodels.training.losses.build_loss` import them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from sepmodels.errors import UserError, unknown_name
from sepmodels.marks import neutral, speed_only
from sepmodels.settings import EFFECT_NAMES, Profile, TrainingSettings, result_settings
from sepmodels.systems.ladder import RUNGS
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
    learning_rate: the optimiser's initial step size.
    training: settings of a training (:class:`~sepmodels.settings.TrainingSettings`) that belong to its recipe, in place
        of the profile's. The budget is the profile's, so that all variants see as many seconds of music.
    suites: in which it is trained (:class:`~sepmodels.settings.Profile`); none: only where a profile or a person asks
        for it by name.
    wiener_iterations: of the multichannel Wiener filter that refines its estimates
        (:mod:`sepmodels.separation.wiener`). The model knows nothing of it, so that it trains nothing again.
    target: what it separates from the rest: that of the profile. A model says so, too.
    trials: how many trainings its settings were chosen from by a sweep (``sepbench sweep``); 0: by none here.
    """

    architecture: str
    loss: str
    settings: Settings = field(default_factory=dict)
    loss_settings: Settings = field(default_factory=dict)
    learning_rate: float = 1e-3
    training: Mapping[str, Any] | None = neutral(None)
    suites: tuple[str, ...] = speed_only(("paper",))  # nothing of it depends on where it is trained
    wiener_iterations: int = field(default=0, metadata=SEPARATION_ONLY)
    target: str = neutral("vocals")
    trials: int = speed_only(0)  # only said

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
# What a variant may have of its own of the settings of a training; the rest is budget, or speed.
RECIPE = (
    "chunk_seconds",
    "optimizer",
    "weight_decay",
    "schedule",
    "warmup_steps",
    "plateau_factor",
    "plateau_patience",
    "gradient_clip",
    "ema_decay",
    "chosen_by",
    "gain_low",
    "gain_high",
    "swap_probability",
    "remix",
    "effects",
)

_COSINE: Settings = {"schedule": "cosine", "warmup_steps": 50, "ema_decay": 0.99}

# name, title, loss, and what it is trained with
_OTHER_LOSSES = (
    ("multi_resolution_loss", "Multi-resolution", "multi_resolution_l1", "L1 of bins by four transforms"),
    ("log_magnitude_loss", "Log magnitude", "log_magnitude_l1", "L1 of the logarithms of magnitudes"),
    ("mel_loss", "Mel", "mel_l1", "L1 of the logarithms of mel bands"),
    ("bark_loss", "Bark", "bark_l1", "L1 of the logarithms of Bark bands"),
    ("mfcc_loss", "MFCC", "mfcc_l1", "L1 of mel-frequency cepstral coefficients"),
    ("a_weighted_loss", "A-weighted", "a_weighted_l1", "L1 of bins that are weighted as ears are"),
    ("si_sdr_loss", "SI-SDR", "si_sdr", "the scale-invariant SDR, up to 30 dB"),
    ("log_wmse_loss", "Log WMSE", "log_wmse", "the logarithm of the A-weighted error of each chunk"),
)

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
        suites=(),
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
        suites=("paper", "losses"),
        loss="magnitude_l1",
    ),
    Variant(
        name="dual_loss",
        title="Dual loss",
        summary="Open-Unmix trained with 0.9 magnitude MSE + 0.1 time MSE, as in the paper (George et al., 2022).",
        architecture="open_unmix",
        suites=("paper", "losses"),
        loss="dual",
        loss_settings={"magnitude_weight": 0.9, "waveform_weight": 0.1},
    ),
    Variant(
        name="dual_loss_balanced",
        title="Dual loss, balanced",
        summary="The dual loss with its magnitude term divided by the energy of the STFT window.",
        architecture="open_unmix",
        suites=("paper", "losses"),
        loss="dual",
        loss_settings={"magnitude_weight": 0.9, "waveform_weight": 0.1, "normalised": True},
    ),
    *(
        Variant(
            name=name,
            title=title,
            summary=f"Open-Unmix trained with {words}.",
            architecture="open_unmix",
            suites=("losses",),
            loss=loss,
        )
        for name, title, loss, words in _OTHER_LOSSES
    ),
    Variant(
        name="waveform_loss",
        title="Waveform L1",
        summary="Open-Unmix trained with L1 of samples, without weight decay, in which its gradients would drown.",
        architecture="open_unmix",
        suites=("losses",),
        loss="waveform_l1",
        training={"weight_decay": 0.0},
    ),
    *(
        Variant(
            name=f"{effect}_effect",
            title=f"Effect: {effect}",
            summary=f"Open-Unmix trained with one effect more of augmentation: {effect}.",
            architecture="open_unmix",
            suites=("effects",),
            loss="magnitude_mse",
            training={"effects": (effect,)},
        )
        for effect in EFFECT_NAMES
    ),
    *(Variant(**rung) for rung in RUNGS),
    Variant(
        name="band_split_rnn",
        title="Band-split RNN",
        summary="A small band-split RNN: LSTMs along time and along 28 bands make a complex mask; L1 on complex bins.",
        architecture="band_split_rnn",
        suites=("modern", "ladder"),
        loss="spectrogram_l1",
        loss_settings={"waveform_weight": 1.0},
        learning_rate=2e-3,
        training={"gradient_clip": 5.0, **_COSINE},
    ),
    Variant(
        name="band_split_roformer",
        title="Band-split RoFormer",
        summary="A small band-split RoFormer: attention along time and along 28 bands make a complex mask.",
        architecture="band_split_roformer",
        suites=("modern",),
        loss="spectrogram_l1",
        loss_settings={"waveform_weight": 1.0},
        training={"optimizer": "adamw", "weight_decay": 0.01, "gradient_clip": 5.0, **_COSINE},
    ),
    Variant(
        name="tfc_tdf",
        title="TFC-TDF",
        summary="A small U-Net over bins and frames, with layers that see all bins of a frame, makes a complex mask.",
        architecture="tfc_tdf",
        suites=("modern",),
        loss="spectrogram_l1",
        loss_settings={"waveform_weight": 1.0},
        training={"gradient_clip": 5.0, **_COSINE},
    ),
    Variant(
        name="wave_u_net",
        title="Wave-U-Net",
        summary="Wave-U-Net as its authors describe it: twelve levels of convolutions on waveforms.",
        architecture="wave_u_net",
        suites=("modern",),
        loss="waveform_mse",
        loss_settings={"spectral_units": True},
        learning_rate=1e-4,
    ),
    Variant(
        name="hybrid_demucs",
        title="Hybrid Demucs",
        summary="A small Hybrid Demucs, by torchaudio: a U-Net of waveforms and one of spectrograms, which meet.",
        architecture="hybrid_demucs",
        suites=("modern",),
        loss="waveform_l1",
        training={"weight_decay": 0.0, **_COSINE},
    ),
    Variant(
        name="conv_tasnet",
        title="Conv-TasNet",
        summary="A small Conv-TasNet, by torchaudio: a mask on a learned transform, by dilated convolutions.",
        architecture="conv_tasnet",
        suites=("modern",),
        loss="waveform_l1",
        training={"weight_decay": 0.0, "gradient_clip": 5.0, **_COSINE},
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


def variants_of(profile: Profile) -> dict[str, Variant]:
    """The variants that the profile trains: those of its suite, the baseline, and those that it asks for besides.

    Each separates the profile's target.
    """
    named = {BASELINE, *profile.extra_variants}
    return {
        name: replace(variant, target=profile.target)
        for name, variant in VARIANTS.items()
        if profile.suite == "all" or profile.suite in variant.suites or name in named
    }


def find_variant(name: str) -> Variant:
    """The variant of that name; raises :class:`UserError` that suggests the nearest for an unknown one."""
    if name not in VARIANTS:
        raise unknown_name("variant", name, VARIANTS, "sepbench variants")
    return VARIANTS[name]


def own_training(variant: Variant, shared: TrainingSettings) -> TrainingSettings:
    """How a variant is trained: as the profile says, but for what belongs to its own recipe.

    Longer chunks make batches and epochs of as many fewer: a step and an epoch see as many seconds of music as those of
    any other variant.

    Raises :class:`UserError` for a setting that no recipe has.
    """
    own: dict[str, Any] = {
        name: tuple(one) if isinstance(one, list) else one for name, one in (variant.training or {}).items()
    }
    for name in own:
        if name not in RECIPE:
            raise unknown_name(f"setting that variant {variant.name!r} may have of its own called", name, RECIPE)
    trained = replace(shared, **own)
    share = shared.chunk_seconds / trained.chunk_seconds
    return replace(
        trained,
        batch=max(1, round(shared.batch * share)),
        chunks_per_track=max(1, round(shared.chunks_per_track * share)),
    )


def configuration(variant: Variant) -> dict[str, Any]:
    """What decides a variant's result: all but its name and its words, of JSON's types."""
    chosen = result_settings(variant)
    del chosen["name"]
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in chosen.items()}
