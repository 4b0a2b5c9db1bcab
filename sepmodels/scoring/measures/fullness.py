"""Fullness, as Music-Source-Separation-Training has it."""

import numpy as np

from sepmodels.scoring.measure import Measure, Signals, is_silence
from sepmodels.scoring.spectra import mel_difference


def fullness(signals: Signals) -> float:
    """100 / (1 + d), d being the mean difference in dB of all mel cells that are too quiet; 100 if none is.

    NaN for a silent truth, which has no loudest cell.
    """
    if is_silence(signals.reference):
        return np.nan
    difference = mel_difference(signals.reference, signals.estimate, signals.sample_rate_hz)
    quieter = difference[difference < 0]
    return 100 / (1 - (float(quieter.mean()) if quieter.size else 0.0))


MEASURE = Measure(
    name="fullness",
    says="How little of the truth the estimate lacks: how much too quiet cells of its spectrogram are.",
    higher_is_better=True,
    unit="0 to 100",
    source="bleed_full of Music-Source-Separation-Training, utils/metrics.py, commit 2127d5e",
    value=fullness,
)
