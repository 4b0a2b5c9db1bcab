"""Bootstrap intervals over tracks, and over seeds where there are several."""

from collections.abc import Sequence

import numpy as np
import scipy.stats
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
RESAMPLES = 2000
LEVEL = 0.95


def per_track(values: Float64) -> Float64:
    """Mean over seeds of (track, seed) scores, seeds that are NaN left out; NaN where all are."""
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=1)
    return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)


def median_interval(systems: Sequence[Float64], rng: np.random.Generator) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of a median over tracks.

    What the median is taken of: for one system its score of the track (mean over seeds); for two, the first's
    less the second's. Tracks are resampled together for both systems, seeds for each by itself (only where a
    system has two or more). NaN for fewer than two tracks.

    Shape:
        systems: one or two arrays (track, seed), rows that are the same tracks.
    """
    known = np.all([np.isfinite(per_track(values)) for values in systems], axis=0)
    kept = [values[known] for values in systems]
    tracks = int(known.sum())
    if tracks < 2:
        return np.nan, np.nan
    resampled_seeds = [np.arange(values.shape[1]) for values in kept if values.shape[1] > 1]

    def statistic(track: NDArray[np.int_], *seeds: NDArray[np.int_], axis: int) -> Float64:
        chosen = iter(seeds)
        scores = [_mean_of_chosen(values, track, next(chosen) if values.shape[1] > 1 else None) for values in kept]
        return np.asarray(np.nanmedian(scores[0] - scores[1] if len(scores) == 2 else scores[0], axis=axis))

    result = scipy.stats.bootstrap(
        (np.arange(tracks), *resampled_seeds),
        statistic,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        vectorized=True,
        axis=-1,
        rng=rng,
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def _mean_of_chosen(values: Float64, track: NDArray[np.int_], seed: NDArray[np.int_] | None) -> Float64:
    """Per-track scores of resampled tracks (..., track), averaged over resampled seeds (..., seed)."""
    if seed is None:
        return np.asarray(values[track, 0])
    picked = values[track[..., :, None], seed[..., None, :]]
    known = np.isfinite(picked)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, picked, 0).sum(axis=-1) / known.sum(axis=-1))
