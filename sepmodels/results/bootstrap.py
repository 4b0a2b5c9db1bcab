"""Bootstrap intervals over tracks, or artists, and over seeds where there are several."""

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


def median_interval(values: Float64, samples: Indices | None = None) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the median over tracks of a system's score (its mean over seeds).

    Samples are drawn again, with all their tracks, and seeds where there are several. NaN for fewer than two samples.
    The same scores always give the same interval.

    samples: the sample that each track belongs to (:func:`sepmodels.results.artists.samples_of`); None: each is one.

    Shape:
        values: ``(track, seed)``; samples: ``(track,)``.
    """
    means = per_track(values)
    known = np.isfinite(means)
    kept = np.where(np.isfinite(values), values, means[:, None])[known]
    members = _tracks_of_each(np.flatnonzero(known) if samples is None else samples[known])
    if len(members) < 2:
        return np.nan, np.nan

    median = np.median if members.min() >= 0 else np.nanmedian  # which takes three times as long

    def statistic(sample: Indices, *seeds: Indices, axis: int) -> Float64:
        return np.asarray(median(_mean_of_chosen(kept, members, sample, *seeds), axis=axis))

    result = scipy.stats.bootstrap(
        [np.arange(size) for size in (len(members), kept.shape[1]) if size > 1],
        statistic,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        vectorized=True,
        axis=-1,
        rng=np.random.default_rng(RANDOM_SEED),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def _tracks_of_each(samples: Indices) -> Indices:
    """The numbers of each sample's tracks, ``(sample, most tracks of any)``; -1 where it has fewer."""
    own = [np.flatnonzero(samples == number) for number in np.unique(samples)]
    most = max(map(len, own), default=0)
    return np.array([np.pad(one, (0, most - len(one)), constant_values=-1) for one in own], dtype=np.int_)


def _mean_of_chosen(values: Float64, members: Indices, sample: Indices, seed: Indices | None = None) -> Float64:
    """Scores (track, seed) of the tracks of drawn samples, averaged over drawn seeds; NaN in the place of no track.

    Shape:
        members: ``(sample, place)``; sample: ``(..., sample)``; seed: ``(..., seed)``. Gives ``(..., sample * place)``.
    """
    track = members[sample].reshape(*sample.shape[:-1], -1)
    means = values[track, 0] if seed is None else values[track[..., :, None], seed[..., None, :]].mean(axis=-1)
    return np.asarray(np.where(track < 0, np.nan, means))
