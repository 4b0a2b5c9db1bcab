"""The pitch of singing over time, and how two such curves agree."""

import importlib.util
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from sepmodels.audio.resampling import resample
from sepmodels.errors import UserError
from sepmodels.scoring.signals import Float64

RATE_HZ = 16_000  # that the tracker hears
LOWEST_HZ, HIGHEST_HZ = 65.0, 1320.0  # C2 to E6: bass to soprano
VOICED = 0.5  # confidence from which the tracker takes a frame for sung


@dataclass(frozen=True, eq=False)
class Pitch:
    """A curve: the pitch at each time, and whether something is sung there.

    seconds: of each frame's middle, rising. hz: where nothing is sung a guess, or 0 for none. voiced: whether it is.

    Shape: each ``(frame,)``.
    """

    seconds: Float64
    hz: Float64
    voiced: "np.ndarray[tuple[int], np.dtype[np.bool_]]"


NO_PITCH = Pitch(np.zeros(0), np.zeros(0), np.zeros(0, bool))  # of a track whose labels cannot be used


def track_pitch(signal: Float64, sample_rate_hz: int) -> Pitch:
    """The pitch of the channels' mean every 16 ms, by SwiftF0 (Nieradzik 2025, arXiv 2508.18440; swift-f0 0.3).

    Shape: ``(channel, sample)``.
    """
    mono = resample(signal.mean(axis=0, keepdims=True).astype(np.float32), sample_rate_hz, RATE_HZ)[0]
    found = _tracker().detect(mono, RATE_HZ, fmin=LOWEST_HZ, fmax=HIGHEST_HZ)
    return Pitch(found.timestamps, found.pitch_hz, found.confidence >= VOICED)


def agreement(truth: Pitch, estimate: Pitch) -> Mapping[str, float]:
    """How an estimated curve agrees with the true one, by mir_eval's names: shares between 0 and 1.

    "Raw Pitch Accuracy": of the frames that are sung in truth, those whose pitch is right to 50 cents, whether the
    estimate takes them for sung or not. "Overall Accuracy": of all frames, those that are rightly taken for silent, or
    for sung with the right pitch. NaN where nothing is sung in truth.
    """
    import mir_eval

    if not truth.voiced.any() or not estimate.seconds.size:
        return {"Raw Pitch Accuracy": np.nan, "Overall Accuracy": np.nan}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of an estimate in which nothing is sung: that is its result
        figures: Mapping[str, float] = mir_eval.melody.evaluate(
            truth.seconds,
            np.where(truth.voiced, truth.hz, 0.0),
            estimate.seconds,
            estimate.hz,
            est_voicing=estimate.voiced.astype(float),
        )
    return figures


def check() -> None:
    """Raise UserError unless the tracker and mir_eval are installed."""
    for module, package in (("swift_f0", "swift-f0"), ("mir_eval", "mir_eval")):
        if importlib.util.find_spec(module) is None:
            raise UserError(f"Pitch needs the package {package}: install it with `pip install 'sepbench[pitch]'`.")


@cache
def _tracker() -> Any:
    from swift_f0 import SwiftF0

    return SwiftF0(threads=1, spin=False)  # tracks are scored beside each other
