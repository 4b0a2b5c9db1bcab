"""Bootstrap intervals over tracks, and over seeds where there are several."""

import numpy as np
import scipy.stats
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Indices = NDArray[np.int_]
RESAMPLES = 2000
LEVEL = 0.95
RANDOM_SEED = 42


def per_track(values: Float64) -> Float64:
    """Mean over seeds of (track, seed) scores, seeds that are NaN left out; NaN where all are."""
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=1)
    return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)


def median_interval(values: Float64) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the median over tracks of a system's score (its mean over seeds).

    Tracks are resampled, and seeds where there are several. NaN for fewer than two tracks. The same scores always give
    the same interval.

    Shape:
        values: ``(track, seed)``.
    """
    means = per_track(values)
    known = np.isfinite(means)
    if known.sum() < 2:
        return np.nan, np.nan
    kept = np.where(np.isfinite(values), values, means[:, None])[known]

    def statistic(track: Indices, *seeds: Indices, axis: int) -> Float64:
        return np.asarray(np.median(_mean_of_chosen(kept, track, *seeds), axis=axis))

    result = scipy.stats.bootstrap(
        [np.arange(size) for size in kept.shape if size > 1],
        statistic,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        vectorized=True,
        axis=-1,
        rng=np.random.default_rng(RANDOM_SEED),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def _mean_of_chosen(values: Float64, track: Indices, seed: Indices | None = None) -> Float64:
    """Scores (track, seed) of resampled tracks (..., track), averaged over resampled seeds (..., seed)."""
    if seed is None:
        return np.asarray(values[track, 0])
    return np.asarray(values[track[..., :, None], seed[..., None, :]].mean(axis=-1))
