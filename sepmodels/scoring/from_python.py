"""Scores for whoever calls them with arrays of their own: looks at what it is given before anything is computed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sepmodels.errors import UserError
from sepmodels.scoring import track
from sepmodels.scoring.track import Scorer

MOST_CHANNELS = 8


def score_track(
    reference: ArrayLike,
    estimates: Mapping[str, ArrayLike],
    *,
    targets: Sequence[str] = ("vocals", "accompaniment"),
    window_seconds: float = 1.0,
    hop_seconds: float = 1.0,
    sample_rate_hz: int = 44_100,
    scorer: Scorer = "fast",
    threads: int | None = None,
) -> pd.DataFrame:
    """Score every variant's estimates of one track by BSSEval v4, with uSDR and SI-SDR beside it.

    An estimate that is longer than the reference is cut, a shorter one padded with zeros, as museval does. A
    window in which a source of the reference or of the estimate is silent (its channels sum to exactly 0) is
    NaN for all targets; an estimate with a source that is silent all through has only such windows. A perfect
    estimate scores inf.

    Args:
        reference: the true sources, in the order of ``targets``: an array, or what numpy makes one of, such as a
            tensor of torch on the CPU.
        estimates: per variant, estimates of the same sources, likewise.
        scorer: "fast" for this project's own, "museval" for museval itself.
        threads: how many the fast scorer uses; None for one per processor, at most 8.

    Returns:
        A row per variant, target, metric and window: columns variant, target, metric, window (Int64 from 0)
        and value in dB. Metrics SDR, ISR, SIR and SAR have a row per window; uSDR and SI-SDR have one for the
        track, with window <NA>.

    Raises:
        UserError: a reference is silent all through, or something is no array of numbers, or of another shape or type.

    Shape:
        reference: (source, channel, sample), int16 or float in [-1, 1], of at most 8 channels. museval itself has
            (source, sample, channel).
        estimates: each (source, channel, any number of samples), int16 or float in [-1, 1].
    """
    true = _array("The reference", reference)
    if true.ndim == 3 and (true.shape[1] > MOST_CHANNELS or true.shape[1] > true.shape[2] > 0):
        raise UserError(
            f"A reference of shape {true.shape} would have {true.shape[1]} channels, and at most {MOST_CHANNELS} are "
            "scored, of more samples: give (source, channel, sample). From museval's order, that is "
            "numpy.swapaxes(reference, 1, 2); so for the estimates."
        )
    return track.score_track(
        true,
        {name: _array(f"The estimate of {name}", estimate) for name, estimate in estimates.items()},
        targets=targets,
        window_seconds=window_seconds,
        hop_seconds=hop_seconds,
        sample_rate_hz=sample_rate_hz,
        scorer=scorer,
        threads=threads,
    )


def _array(what: str, given: ArrayLike) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as fault:  # the last one is torch's
        raise UserError(f"{what} cannot be made an array of numpy: {fault}") from fault
    if not np.issubdtype(array.dtype, np.integer) and not np.issubdtype(array.dtype, np.floating):
        raise UserError(
            f"{what} is of type {type(given).__name__} and holds no real numbers: give an array (source, channel, "
            "sample) of int16, or of floats in [-1, 1]."
        )
    return array
