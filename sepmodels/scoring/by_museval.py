"""BSSEval v4 by museval itself: slow (half a minute and 4 GiB for four minutes of music), and the authority."""

import numpy as np

from sepmodels.scoring.signals import Float64, is_silent_throughout, to_float64, window_starts


def museval_scores(reference: np.ndarray, estimate: np.ndarray, window_samples: int, hop_samples: int) -> Float64:
    """SDR, ISR, SIR and SAR of one estimate through ``museval.evaluate`` (mode v4).

    museval refuses an estimate that has a silent source; by its own rule every window is then NaN, so that is
    what comes back.

    Shape:
        reference, estimate: (source, channel, sample), int16 or float; the estimate is cut or padded with zeros.
        result: (metric, source, window), metrics in the order SDR, ISR, SIR, SAR.
    """
    import museval

    samples = reference.shape[-1]
    if is_silent_throughout(estimate, samples).any():
        windows = len(window_starts(samples, window_samples, hop_samples))
        return np.full((4, reference.shape[0], windows), np.nan)
    scores = museval.evaluate(
        to_float64(reference, samples).transpose(0, 2, 1),
        to_float64(estimate, samples).transpose(0, 2, 1),
        win=window_samples,
        hop=hop_samples,
        mode="v4",
        padding=False,
    )
    return np.stack(scores)
