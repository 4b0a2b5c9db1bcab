"""Ratios of energies in dB."""

import numpy as np

from sepmodels.scoring.signals import Float64


def decibels(numerator: Float64, denominator: Float64) -> Float64:
    """10 log10 of a ratio of energies: inf where the denominator is 0, as museval has it, -inf for 0 over more.

    >>> decibels(np.array([100.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0])).tolist()
    [20.0, -inf, inf]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 10 * np.log10(np.divide(numerator, denominator))
    return np.where(denominator == 0, np.inf, ratio)
