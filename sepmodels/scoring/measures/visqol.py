"""ViSQOL, by a port of Google's to Python with its model inside."""

import importlib.util
from functools import cache
from typing import Any

import numpy as np

from sepmodels.audio.resampling import resample
from sepmodels.errors import UserError
from sepmodels.scoring.measure import Measure, Signals, is_silence

RATE_HZ = 48_000  # that its audio mode hears


def visqol(signals: Signals) -> float:
    """The opinion score of the channels' mean, from 1 to 5; NaN where the truth or the estimate is silent."""
    reference, estimate = (signal.mean(axis=0, keepdims=True) for signal in (signals.reference, signals.estimate))
    if is_silence(reference) or is_silence(estimate):
        return np.nan
    at_rate = (resample(signal, signals.sample_rate_hz, RATE_HZ)[0] for signal in (reference, estimate))
    true, made = (signal.astype(np.float64) for signal in at_rate)
    return float(_listener().measure_from_arrays(true, made, sample_rate=RATE_HZ).moslqo)


@cache
def _listener() -> Any:
    from visqol import VisqolApi

    listener = VisqolApi()
    listener.create(mode="audio")
    return listener


def check() -> None:
    """Raise UserError unless visqol-python is installed."""
    if importlib.util.find_spec("visqol") is None:
        raise UserError("ViSQOL needs the package visqol-python: install it with `pip install 'sepbench[visqol]'`.")


MEASURE = Measure(
    name="ViSQOL",
    says="How good the estimate sounds beside the truth, by a model of hearing that was fitted to coded music.",
    higher_is_better=True,
    unit="1 to 5",
    source="Chinen et al. 2020, ViSQOL v3; visqol-python 3.8, audio mode",
    value=visqol,
    check=check,
    libraries=("visqol-python",),
)
