"""Bootstrap intervals over tracks, and over seeds where there are several."""

from collections.abc import Sequence

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


def median_interval(systems: Sequence[Float64]) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of a median over tracks.

    What the median is taken of: for one system its score of the track (mean over seeds); for two, the first's
    less the second's. Tracks are resampled together for both systems, seeds for each by itself (only where a
    system has two or more). NaN for fewer than two tracks. The same scores always give the same interval.

    Shape:
        systems: one or two arrays (track, seed), rows that are the same tracks.
    """
    means = [per_track(values) for values in systems]
    known = np.all(np.isfinite(means), axis=0)
    if known.sum() < 2:
        return np.nan, np.nan
    kept = [
        np.where(np.isfinite(values), values, mean[:, None])[known] for values, mean in zip(systems, means, strict=True)
    ]

    def statistic(track: Indices, *seeds: Indices, axis: int) -> Float64:
        chosen = iter(seeds)
        scores = [_mean_of_chosen(values, track, next(chosen) if values.shape[1] > 1 else None) for values in kept]
        return np.asarray(np.median(np.subtract(*scores) if len(scores) == 2 else scores[0], axis=axis))

    result = scipy.stats.bootstrap(
        [np.arange(known.sum())] + [np.arange(values.shape[1]) for values in kept if values.shape[1] > 1],
        statistic,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        vectorized=True,
        axis=-1,
        rng=np.random.default_rng(RANDOM_SEED),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def _mean_of_chosen(values: Float64, track: Indices, seed: Indices | None) -> Float64:
    """Scores (track, seed) of resampled tracks (..., track), averaged over resampled seeds (..., seed)."""
    if seed is None:
        return np.asarray(values[track, 0])
    return np.asarray(values[track[..., :, None], seed[..., None, :]].mean(axis=-1))
