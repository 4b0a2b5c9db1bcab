"""Sounds for the tests of the scores: quick to make, and as correlated and uneven as music."""

import numpy as np
from scipy.signal import lfilter

from sepmodels.scoring.bsseval import bsseval_scores
from sepmodels.scoring.by_museval import museval_scores

RATE_HZ = 44_100


def music(*, sources: int = 2, channels: int = 2, samples: int = 2 * RATE_HZ, seed: int = 0) -> np.ndarray:
    """Sources of coloured noise that swell and fade, panned over the channels; int16 (source, channel, sample)."""
    rng = np.random.default_rng(seed)
    sound = np.empty((sources, channels, samples))
    for source in sound:
        noise = lfilter([1.0], [1.0, -1.6 + 0.2 * rng.random(), 0.8], rng.standard_normal(samples))
        swell = 1.1 + np.sin(2 * np.pi * (np.arange(samples) / RATE_HZ * rng.uniform(0.5, 2) + rng.random()))
        room = 0.1 * rng.standard_normal((channels, 20))
        room[:, 0] += rng.uniform(0.4, 1.0, channels)
        source[:] = [lfilter(taps, [1.0], noise * swell) for taps in room]
    return np.round(sound / np.abs(sound).max() * 20_000).astype(np.int16)


def separated(reference: np.ndarray, seed: int = 0) -> np.ndarray:
    """Estimates as a fair separator makes them: each source filtered, with leaks of the others and noise."""
    rng = np.random.default_rng(seed)
    sound = reference / 32_768
    leaks = 0.2 * np.roll(sound.sum(axis=0) - sound, 3, axis=-1)
    noise = 0.05 * sound.std() * rng.standard_normal(sound.shape)
    return (lfilter([0.8, 0.1, 0.05], [1.0], sound) + leaks + noise).astype(np.float32)


def both_scores(
    reference: np.ndarray, estimate: np.ndarray, window_samples: int = RATE_HZ, hop_samples: int = RATE_HZ
) -> tuple[np.ndarray, np.ndarray]:
    """Our scores and museval's, each (metric, source, window)."""
    ours = bsseval_scores(reference, [estimate], window_samples, hop_samples)[0]
    return ours, museval_scores(reference, estimate, window_samples, hop_samples)


def assert_as_museval(ours: np.ndarray, authority: np.ndarray, *, apart_db: float = 1e-6) -> None:
    """The same NaN windows, and at most ``apart_db`` apart (1e-4 from 60 dB on) where museval is below 100 dB.

    Above that museval returns the noise of its own arithmetic, so there we only have to be high as well.
    """
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(authority))
    with np.errstate(invalid="ignore"):
        differences = np.abs(ours - authority)
        assert np.all(differences[authority < 60] <= apart_db)
        assert np.all(differences[(authority >= 60) & (authority < 100)] <= 1e-4)
        assert np.all(ours[authority >= 100] > 95)
