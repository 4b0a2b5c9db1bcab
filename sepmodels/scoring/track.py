"""Scores of all variants of one track, as a table."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from sepmodels.errors import UserError, unknown_name
from sepmodels.scoring.bsseval import bsseval_scores
from sepmodels.scoring.by_museval import museval_scores
from sepmodels.scoring.plain import whole_track_scores
from sepmodels.scoring.signals import Float64, check_type, is_silent_throughout

METRICS = ("SDR", "ISR", "SIR", "SAR")
WHOLE_TRACK_METRICS = ("uSDR", "SI-SDR")
Scorer: TypeAlias = Literal["fast", "museval"]
SCORERS = get_args(Scorer)


def score_track(
    reference: np.ndarray,
    estimates: Mapping[str, np.ndarray],
    *,
    targets: Sequence[str] = ("vocals", "accompaniment"),
    window_seconds: float = 1.0,
    hop_seconds: float = 1.0,
    sample_rate_hz: int = 44_100,
    scorer: Scorer = "fast",
    threads: int | None = None,
) -> pd.DataFrame:
    """Score every variant's estimates of one track: :func:`sepmodels.scoring.score_track`, of arrays of numpy.

    Shape:
        reference: (source, channel, sample), int16 or float in [-1, 1].
        estimates: each (source, channel, any number of samples), int16 or float in [-1, 1].
    """
    if scorer not in SCORERS:
        raise unknown_name("scorer", scorer, SCORERS)
    check_reference(reference, targets)
    for variant, estimate in estimates.items():
        check_estimate(variant, estimate, reference)
    window_samples, hop_samples = (int(seconds * sample_rate_hz) for seconds in (window_seconds, hop_seconds))
    if min(window_samples, hop_samples) < 1:
        raise UserError(
            f"A window of {window_seconds} seconds every {hop_seconds} seconds holds no sample: use 1 and 1."
        )
    given = list(estimates.values())
    if scorer == "fast":
        windows = bsseval_scores(reference, given, window_samples, hop_samples, threads)
    else:
        windows = [museval_scores(reference, estimate, window_samples, hop_samples) for estimate in given]
    whole = [whole_track_scores(reference, estimate, threads) for estimate in given]
    parts = []
    for variant, window, track in zip(estimates, windows, whole, strict=True):
        parts += [window_rows(variant, targets, window), track_rows(variant, targets, track)]
    return pd.concat(parts, ignore_index=True)


def check_reference(reference: np.ndarray, targets: Sequence[str]) -> None:
    """Raise UserError unless the reference has a sounding source for every target."""
    if reference.ndim != 3 or reference.shape[0] != len(targets) or reference.shape[-1] == 0:
        raise UserError(
            f"A reference of shape {reference.shape} cannot be scored: expected (source, channel, sample) with a "
            f"source for each of {', '.join(targets)}."
        )
    check_type(reference)
    if not np.isfinite(reference).all():
        raise UserError("A reference has samples that are no numbers: decode or export its track again.")
    silent = [
        target
        for target, quiet in zip(targets, is_silent_throughout(reference, reference.shape[-1]), strict=True)
        if quiet
    ]
    if silent:
        raise UserError(
            f"The reference {' and '.join(silent)} is silent all through (its channels sum to 0), so BSSEval is not "
            "defined: leave this track out of the scores."
        )


def check_estimate(variant: str, estimate: np.ndarray, reference: np.ndarray) -> None:
    """Raise UserError, naming the variant, unless an estimate has the reference's sources and channels."""
    if estimate.ndim != 3 or estimate.shape[:2] != reference.shape[:2]:
        raise UserError(
            f"The estimate of {variant} has shape {estimate.shape}: expected (source, channel, sample) with "
            f"{reference.shape[0]} sources of {reference.shape[1]} channels, like the reference."
        )
    check_type(estimate)
    if np.issubdtype(estimate.dtype, np.floating) and not np.isfinite(estimate.sum()):
        raise UserError(f"The estimate of {variant} has values that are NaN or infinite: separate the track again.")


def window_rows(variant: str, targets: Sequence[str], values: Float64) -> pd.DataFrame:
    """Rows for the windows' scores, (metric, source, window) in the order of METRICS and ``targets``."""
    index = pd.MultiIndex.from_product(
        [METRICS, targets, range(values.shape[-1])], names=["metric", "target", "window"]
    )
    rows = pd.DataFrame({"value": values.ravel()}, index=index).reset_index()
    return tidy(rows, variant)


def track_rows(variant: str, targets: Sequence[str], values: Float64) -> pd.DataFrame:
    """Rows for the whole track's scores, (metric, source) in the order of WHOLE_TRACK_METRICS and ``targets``."""
    index = pd.MultiIndex.from_product([WHOLE_TRACK_METRICS, targets], names=["metric", "target"])
    rows = pd.DataFrame({"value": values.ravel(), "window": pd.NA}, index=index).reset_index()
    return tidy(rows, variant)


def tidy(rows: pd.DataFrame, variant: str) -> pd.DataFrame:
    """The columns of the table of scores, in their order and types."""
    rows = rows.assign(variant=variant).astype({"window": "Int64", "value": "float64"})
    return rows[["variant", "target", "metric", "window", "value"]]
