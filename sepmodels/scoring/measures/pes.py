"""Predicted energy at silence: what an estimate leaves where the truth rests. BSSEval leaves such windows out."""

import numpy as np

from sepmodels.scoring.measure import Measure, Signals
from sepmodels.scoring.signals import Float64

WINDOW_SECONDS = 0.1
REST_DB = -60.0  # a window of the truth that is this far below its loudest one is a rest
LEAST_DB = -80.0  # of a window: below it nothing is heard, and a rest without a sound counts as this


def pes(signals: Signals) -> float:
    """The mean over rests of the estimate's level, in dB against the mean power of the truth where it sounds.

    NaN where the truth never rests, or never sounds. A last part shorter than a window is left out.
    """
    window = max(1, round(WINDOW_SECONDS * signals.sample_rate_hz))
    true, made = _power(signals.reference, window), _power(signals.estimate, window)
    rests = true <= 10 ** (REST_DB / 10) * np.max(true, initial=0.0)
    if rests.all() or not rests.any():
        return np.nan
    levels = made[rests] / true[~rests].mean()
    return float(np.mean(10 * np.log10(np.maximum(levels, 10 ** (LEAST_DB / 10)))))


def _power(signal: Float64, window: int) -> Float64:
    """The mean square of each whole window, over channels."""
    whole = signal[:, : signal.shape[1] // window * window]
    return np.asarray(np.mean(whole.reshape(len(signal), -1, window) ** 2, axis=(0, 2)))


MEASURE = Measure(
    name="PES",
    says="How loud the estimate is where the truth rests, against the truth where it sounds.",
    higher_is_better=False,
    unit="dB",
    source="after Schulze-Forster et al. 2019, Weakly Informed Audio Source Separation: Predicted Energy at Silence, "
    "here for windows of 0.1 s, against the truth's own level, and for rests that are 60 dB down, not zeros alone",
    value=pes,
)
