"""Bleedless, as Music-Source-Separation-Training has it."""

import numpy as np

from sepmodels.scoring.measure import Measure, Signals, is_silence
from sepmodels.scoring.spectra import mel_difference


def bleedless(signals: Signals) -> float:
    """100 / (1 + d), d being the mean difference in dB of all mel cells that are too loud; 100 if none is.

    NaN for a silent truth, which has no loudest cell.
    """
    if is_silence(signals.reference):
        return np.nan
    difference = mel_difference(signals.reference, signals.estimate, signals.sample_rate_hz)
    louder = difference[difference > 0]
    return 100 / (1 + (float(louder.mean()) if louder.size else 0.0))


MEASURE = Measure(
    name="bleedless",
    says="How little is in the estimate that is not in the truth: how much too loud cells of its spectrogram are.",
    higher_is_better=True,
    unit="0 to 100",
    source="bleed_full of Music-Source-Separation-Training, utils/metrics.py, commit 2127d5e",
    value=bleedless,
)
