"""A test of two recipes over two crossed random factors: the songs, and the trainings (seeds) of each recipe.

A score of recipe ``v`` on track ``t`` by the training with seed ``s`` is taken as

    score[v, t, s] = mean[v] + track[t] + track_by_recipe[v, t] + training[v, s] + rest[v, t, s].

Both recipes are scored on the same tracks, so that what is hard about a track cancels. Their trainings are independent
samples, also where they share the numbers of their seeds. A shared seed shares the order of the songs and, between
equal architectures, the first weights. If that makes two trainings alike, the test only becomes more careful; pairing
would halve the degrees of freedom.

Where several tracks are of one artist, ``t`` is the artist, and the score is the mean over the artist's tracks
(:mod:`sepmodels.results.artists`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.special
import scipy.stats

from sepmodels.results.bootstrap import LEVEL, Float64, Indices

FEWEST_SAMPLES = 5  # tracks, or artists; the fewest on which the test was simulated: benchmarks/calibration.py
LEAST_DEGREES = 0.2  # of two trainings: with more, five comparisons found a difference by chance in over 5 % of cases

_QUANTILES = (np.arange(1000) + 0.5) / 1000


@dataclass(frozen=True)
class Components:
    """The variances behind two recipes' scores, in dB squared, and how many samples each estimate comes from.

    track: of the difference between the recipes from track to track, without the rest.
    training: of a recipe's mean over tracks from seed to seed, without the rest; first recipe, then second.
    rest: of what neither a track nor a seed explains, of the first recipe and of the second.
    tracks: how many, or how many artists; trainings: of the first recipe and of the second.
    """

    track: float
    training: tuple[float, float]
    rest: tuple[float, float]
    tracks: int
    trainings: tuple[int, int]

    def error(self, tracks: int, trainings: tuple[int, int]) -> "Error":
        """The standard error to expect with so many tracks, and so many trainings of each recipe."""
        rest = [rest / seeds for rest, seeds in zip(self.rest, trainings, strict=True)]
        parts = [(self.track + sum(rest)) / tracks]
        parts += [one / seeds + r / tracks for one, r, seeds in zip(self.training, rest, trainings, strict=True)]
        return satterthwaite(parts, (tracks, *trainings))


@dataclass(frozen=True)
class Error:
    """A standard error in dB with its degrees of freedom."""

    standard: float
    degrees: float

    def detectable_db(self, alpha: float = 1 - LEVEL, power: float = 0.8) -> float:
        """The smallest true difference that a test at level ``alpha`` finds with this probability."""
        if not self.standard:
            return 0.0
        most = 10 * self.least(alpha) * self.standard  # found in all cases but those of a very large chi-squared
        least = self.least(alpha) * self._estimates()
        return float(scipy.optimize.brentq(lambda db: self._power(db, least) - power, 0.0, most, rtol=1e-6))

    def power(self, difference_db: float, alpha: float = 1 - LEVEL) -> float:
        """The probability with which a test at level ``alpha`` finds a true difference.

        It is the noncentral t distribution, taken as a mean of normal ones over the quantiles of the estimated error:
        scipy's own is NaN for large differences and few degrees.
        """
        return self._power(difference_db, self.least(alpha) * self._estimates()) if self.standard else 1.0

    def _estimates(self) -> Float64:
        """Quantiles of the estimated standard error, as a part of the true one."""
        quantiles: Float64 = scipy.stats.chi2.ppf(_QUANTILES, self.degrees)
        return np.sqrt(quantiles / self.degrees)

    def _power(self, difference_db: float, least: Float64) -> float:
        """The same, where each quantile of the estimated error calls so many standard errors a difference."""
        shift = abs(difference_db) / self.standard
        return float((scipy.special.ndtr(shift - least) + scipy.special.ndtr(-least - shift)).mean())

    def least(self, alpha: float) -> float:
        """The fewest standard errors that a test at level ``alpha``, two-sided, calls a difference."""
        return float(-scipy.special.stdtrit(self.degrees, alpha / 2))  # a tenth of the time of scipy.stats.t


@dataclass(frozen=True)
class Difference:
    """What the first recipe scores above the second, in dB.

    mean: over samples, of the difference between the recipes' means over seeds.
    low, high, p: its 95 % interval and the two-sided p of no difference, for other tracks and other seeds; NaN where a
        recipe has a single training or there are fewer than :data:`FEWEST_SAMPLES` samples.
    error: its standard error; None in the same cases. tracks: on which both have a score of every seed; samples: of
        how many artists these are, or how many tracks where each counts for itself.
    """

    mean: float
    low: float
    high: float
    p: float
    tracks: int
    samples: int
    error: Error | None


def difference(
    first: Float64, second: Float64, *, samples: Indices | None = None, fixed: tuple[bool, bool] = (False, False)
) -> Difference:
    """Compare two systems by the scores of their trainings on the same tracks.

    The mean over samples of the difference between means over seeds is divided by the root of ``var(differences of
    the samples) / samples + var(means of the first's seeds) / seeds + var(means of the second's seeds) / seeds``, and
    taken as Student's t with the degrees of freedom of Satterthwaite (1946, An Approximate Distribution of Estimates of
    Variance Components). The approximation claims too much where few trainings decide, so each factor has one degree
    less than its samples allow. The rest is counted with the tracks and with the trainings, which errs on the careful
    side too. A track on which a seed has no finite score is left out.

    The trainings of a fixed system are no samples, and add no variance. With both fixed this is Student's paired t-test
    over the tracks, or artists.

    Args:
        samples: the sample that each track belongs to (:func:`sepmodels.results.artists.samples_of`), whose score is
            the mean over its tracks; None: each track is one.
        fixed: which of the two is not trained, so that another run gives the same scores.

    Shape:
        first, second: ``(track, seed)``, rows that are the same tracks; each with seeds of its own, a fixed one with
            one column. samples: ``(track,)``.
    """
    first, second, kept = scored_by_all(first, second, samples)
    tracks = len(first)
    first, second = by_sample(first, kept), by_sample(second, kept)
    trained = [one for one, still in zip((first, second), fixed, strict=True) if not still]
    count, trainings = len(first), [one.shape[1] for one in trained]
    if not count:
        return Difference(np.nan, np.nan, np.nan, np.nan, tracks, count, None)
    per_sample = first.mean(axis=1) - second.mean(axis=1)
    mean = float(per_sample.mean())
    if count < FEWEST_SAMPLES or min(trainings, default=2) < 2:
        return Difference(mean, np.nan, np.nan, np.nan, tracks, count, None)
    variances = [float(per_sample.var(ddof=1)) / count]
    variances += [float(one.mean(axis=0).var(ddof=1)) / one.shape[1] for one in trained]
    error = satterthwaite(variances, (count, *trainings)) if trained else Error(variances[0] ** 0.5, count - 1)
    margin = error.least(1 - LEVEL) * error.standard
    return Difference(mean, mean - margin, mean + margin, two_sided_p(mean, error), tracks, count, error)


def scored_by_all(first: Float64, second: Float64, samples: Indices | None = None) -> tuple[Float64, Float64, Indices]:
    """The scores ``(track, seed)`` of those tracks on which every training of both has a finite one, and their samples.

    samples: as for :func:`difference`.
    """
    samples = np.arange(len(first)) if samples is None else samples
    if not (first.shape[1] and second.shape[1]):
        return first[:0], second[:0], samples[:0]
    known = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    return first[known], second[known], samples[known]


def by_sample(scores: Float64, samples: Indices) -> Float64:
    """The mean of each seed over the tracks of each sample: ``(sample, seed)`` from ``(track, seed)``."""
    numbers = np.unique(samples)
    if len(numbers) == len(samples):
        return scores
    return np.stack([scores[samples == number].mean(axis=0) for number in numbers])


def components(first: Float64, second: Float64) -> Components:
    """The variance components of two recipes' scores, by the method of moments; none is below zero.

    Where either has a single training, training and rest are NaN for it, and its rest is in that of the tracks.

    Shape:
        first, second: ``(track, seed)`` or ``(artist, seed)``, all finite, at least two rows.
    """
    both = first, second
    rest = _rest(first), _rest(second)
    tracks, trainings = len(first), (first.shape[1], second.shape[1])
    per_track = first.mean(axis=1) - second.mean(axis=1)
    track = per_track.var(ddof=1) - np.nansum([one / seeds for one, seeds in zip(rest, trainings, strict=True)])
    training = [
        max(0.0, float(one.mean(axis=0).var(ddof=1) - left / tracks)) if one.shape[1] > 1 else np.nan
        for one, left in zip(both, rest, strict=True)
    ]
    return Components(max(0.0, float(track)), (training[0], training[1]), rest, tracks, trainings)


def _rest(scores: Float64) -> float:
    """The mean square of what is left of ``(track, seed)`` scores without their tracks' and seeds' means."""
    if scores.shape[1] < 2:
        return float(np.nan)
    left = scores - scores.mean(axis=1, keepdims=True) - scores.mean(axis=0) + scores.mean()
    return float((left**2).sum() / ((scores.shape[0] - 1) * (scores.shape[1] - 1)))


def satterthwaite(variances: Sequence[float], samples: Sequence[int]) -> Error:
    """The root of a sum of variances of means over so many samples, with Satterthwaite's degrees of freedom."""
    total = float(sum(variances))
    degrees = [max(number - 2, LEAST_DEGREES) for number in samples]
    spread = sum(variance**2 / number for variance, number in zip(variances, degrees, strict=True))
    return Error(total**0.5, total**2 / spread if spread else float(sum(degrees)))


def two_sided_p(mean: float, error: Error) -> float:
    """How often a mean is at least so far from 0 by chance."""
    if not error.standard:
        return 1.0 if mean == 0 else 0.0
    return float(2 * scipy.special.stdtr(error.degrees, -abs(mean) / error.standard))
