"""SI-SDR."""

import numpy as np

from sepmodels.scoring.measure import Measure, Signals, is_silence
from sepmodels.scoring.plain import whole_track_scores


def si_sdr(signals: Signals) -> float:
    """In dB, over all channels and samples; -inf for an estimate of zeros, inf for a scaled copy."""
    if is_silence(signals.reference):
        return np.nan
    return float(whole_track_scores(signals.reference[None], signals.estimate[None])[1, 0])


MEASURE = Measure(
    name="SI-SDR",
    says="The energy of the truth in the estimate against that of all else in it; a wrong loudness costs nothing.",
    higher_is_better=True,
    unit="dB",
    source="Le Roux et al. 2019, SDR - half-baked or well done?, equation 4, without removal of the mean",
    value=si_sdr,
)
