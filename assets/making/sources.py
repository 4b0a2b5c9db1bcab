"""The signals of both targets, from the stems of a track and from what was separated of it."""

import numpy as np

from sepmodels.audio import TARGETS


def sources(stems: np.ndarray) -> np.ndarray:
    """The references to score against: int16 stems (stem, channel, sample) to float32 (target, channel, sample).

    Float32 holds them exactly: a sum of three stems has 18 bits. Long tracks are large, so nothing is made twice.
    """
    both = np.empty((len(TARGETS), *stems.shape[1:]), np.float32)
    both[0] = stems[4]
    stems[1:4].sum(axis=0, dtype=np.float32, out=both[1])
    both /= 32768
    return both


def both_targets(mixture: np.ndarray, vocals: np.ndarray) -> np.ndarray:
    """An estimate of the target and the rest of the int16 mixture, as float64 (target, channel, sample)."""
    both = np.empty((len(TARGETS), *vocals.shape))
    both[0] = vocals
    np.divide(mixture, 32768, out=both[1])
    both[1] -= both[0]
    return both
