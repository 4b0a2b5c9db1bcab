"""What numbers and devices settings may be: a slip is a sentence at once, not a fault in the middle of a run."""

import math
import re
from dataclasses import fields, is_dataclass
from typing import Any

from sepmodels.errors import UserError, unknown_name
from sepmodels.marks import no_part_of_a_result
from sepmodels.settings import EFFECT_NAMES, DatasetSettings, Profile, SeparationSettings, TrainingSettings

# By dotted name: the least and the most. Without an entry any number from 0 on may be.
LIMITS = {
    "sample_rate_hz": (44_100, 44_100),  # which tracks are decoded at; a variant may have a lower one of its own
    "seeds": (0, 2**32 - 1),
    "dataset.validation_share": (0, 1),
    "dataset.test_share": (0, 1),
    "training.batch": (1, math.inf),
    "training.chunk_seconds": (0.1, math.inf),
    "training.chunks_per_track": (1, math.inf),
    "training.epochs": (1, math.inf),
    "training.steps": (1, math.inf),
    "training.patience": (1, math.inf),
    "training.processes": (1, math.inf),
    "training.plateau_factor": (0, 0.9999),
    "training.gradient_clip": (1e-6, math.inf),  # 0 would leave nothing to learn from
    "training.ema_decay": (0, 0.999999),
    "training.swap_probability": (0, 1),
    "separation.segment_seconds": (0.1, math.inf),
    "report.bitrate_kbps": (64, 320),
}
DEVICES = re.compile(r"auto|cpu|cuda(:\d+)?")


@no_part_of_a_result("which settings are refused")
def check_limits(settings: Any, prefix: str = "") -> None:
    """Raise :class:`UserError` for the first number or device in a settings dataclass that cannot be.

    Each by itself: what two of them may be together is :func:`check_relations`', for they are set one after the other.
    prefix: of the names in the sentence: "training." for the training's own.

    >>> from sepmodels.settings import TrainingSettings
    >>> check_limits(TrainingSettings(batch=0), "training.")
    Traceback (most recent call last):
    sepmodels.errors.UserError: The setting training.batch cannot be 0: expected a number from 1 on.
    """
    if isinstance(settings, Profile):
        _check_device(settings.device)
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if is_dataclass(value):
            check_limits(value, f"{prefix}{entry.name}.")
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, (int, float)) and not isinstance(number, bool):
                _check_number(f"{prefix}{entry.name}", number)


@no_part_of_a_result("which settings are refused")
def check_relations(profile: Profile) -> None:
    """Raise :class:`UserError` where two settings cannot be what they are together. To be called once all are set."""
    check_training(profile.training)
    check_overlap(profile.separation)
    check_dataset(profile.dataset)


@no_part_of_a_result("which settings are refused")
def check_dataset(settings: DatasetSettings) -> None:
    """Raise :class:`UserError` where settings of a dataset contradict each other.

    >>> check_dataset(DatasetSettings("stems", voice_channel="right"))
    Traceback (most recent call last):
    sepmodels.errors.UserError: The setting dataset.voice_channel cannot be 'right' with dataset.layout 'stems': take \
the profile karaoke, or leave it none.
    """
    if settings.mapping and (settings.layout != "folder" or settings.voice_channel != "none"):
        raise UserError(
            f"The setting dataset.mapping cannot be {settings.mapping!r} here: it is for the profile folder, where "
            "tracks have a file for each stem."
        )
    if settings.voice_channel != "none" and settings.layout != "folder":
        raise UserError(
            f"The setting dataset.voice_channel cannot be {settings.voice_channel!r} with dataset.layout "
            f"{settings.layout!r}: take the profile karaoke, or leave it none."
        )


@no_part_of_a_result("which settings are refused")
def check_training(settings: TrainingSettings) -> None:
    """Raise :class:`UserError` where settings of a training contradict each other.

    >>> check_training(TrainingSettings(gain_low=1.5))
    Traceback (most recent call last):
    sepmodels.errors.UserError: The setting training.gain_low cannot be 1.5, above training.gain_high (1.25): expected \
at most that.
    """
    if settings.gain_low > settings.gain_high:
        raise UserError(
            f"The setting training.gain_low cannot be {settings.gain_low:g}, above training.gain_high "
            f"({settings.gain_high:g}): expected at most that."
        )
    for name in settings.effects:
        if name not in EFFECT_NAMES:
            raise unknown_name("effect", name, EFFECT_NAMES)
    if settings.batch % settings.processes:
        raise UserError(
            f"A batch of {settings.batch} chunks cannot be shared by {settings.processes} processes: set "
            "training.batch to a multiple of training.processes."
        )


@no_part_of_a_result("which settings are refused")
def check_overlap(settings: SeparationSettings) -> None:
    """Raise :class:`UserError` where neighbouring segments would share more than half of themselves.

    >>> check_overlap(SeparationSettings(segment_seconds=20.0, overlap_seconds=30.0))
    Traceback (most recent call last):
    sepmodels.errors.UserError: The setting separation.overlap_seconds cannot be 30 with segments of 20 seconds: \
expected at most half a segment, from 0 to 10 seconds; longer segments (separation.segment_seconds) may share more.
    """
    segment, overlap = settings.segment_seconds, settings.overlap_seconds
    if 2 * overlap > segment:
        raise UserError(
            f"The setting separation.overlap_seconds cannot be {overlap:g} with segments of {segment:g} seconds: "
            f"expected at most half a segment, from 0 to {segment / 2:g} seconds; longer segments "
            "(separation.segment_seconds) may share more."
        )


def _check_device(name: str) -> None:
    """Whether this machine has it is another question: the setting may be for another one."""
    if not DEVICES.fullmatch(name):
        raise UserError(f"The setting device cannot be {name!r}: expected auto, cpu, cuda or cuda:N, such as cuda:1.")


def _check_number(name: str, number: float) -> None:
    least, most = LIMITS.get(name, (0, math.inf))
    if not (math.isfinite(number) and least <= number <= most):
        rest = "on" if most == math.inf else f"to {most}"
        expected = f"{least}" if least == most else f"a number from {least} {rest}"
        raise UserError(f"The setting {name} cannot be {number}: expected {expected}.")
