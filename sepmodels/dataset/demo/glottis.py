"""The sound that the vocal folds make: the Liljencrants-Fant model of the derivative of the glottal flow.

Sources: G. Fant, J. Liljencrants and Q. Lin, "A four-parameter model of glottal flow", STL-QPSR 4/1985 (the
pulse); G. Fant, "The LF-model revisited", STL-QPSR 2-3/1995 (one shape number Rd in place of the four).
"""

from functools import cache

import numpy as np
from scipy import optimize, signal

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.dataset.demo.effects import Floats

TABLE_SIZE = 4096
OVERSAMPLING = 2


@cache
def flow_derivative(shape: float) -> Floats:
    """One period of the derivative of the glottal flow, its main excitation scaled to -1, as a closed table.

    shape: Fant's Rd: about 0.5 pressed, 1 modal, 2 breathy.

    >>> bool(abs(flow_derivative(1.0).mean()) < 1e-3)  # the flow returns to where it was
    True
    """
    return_share = (-1 + 4.8 * shape) / 100
    skew = (22.4 + 11.8 * shape) / 100
    rise = skew / (4 * (0.11 * shape / (0.5 + 1.2 * skew) - return_share))
    peak = 1 / (2 * rise)
    excitation = peak * (1 + skew)
    closed = 1 - excitation
    angular = np.pi / peak
    # the root is just below 1 / return_share, where rounding can hide the change of sign
    rate = optimize.brentq(lambda e: e * return_share - 1 + np.exp(-e * closed), 1.0, 1.001 / return_share)
    floor = np.exp(-rate * closed)
    return_area = -((1 - floor) / rate - closed * floor) / (rate * return_share)

    def net_flow(growth: float) -> float:
        at_excitation = np.sin(angular * excitation)
        swing = growth * at_excitation - angular * np.cos(angular * excitation)
        area = swing + angular * np.exp(-growth * excitation)
        return float(-area / (at_excitation * (growth**2 + angular**2)) + return_area)

    growth = optimize.brentq(net_flow, -50.0, 100.0)
    time = np.linspace(0, 1, TABLE_SIZE + 1)
    open_part = -np.exp(growth * (time - excitation)) * np.sin(angular * time) / np.sin(angular * excitation)
    return_part = -(np.exp(-rate * (time - excitation)) - floor) / (rate * return_share)
    return np.asarray(np.where(time < excitation, open_part, return_part))


def glottal_source(
    frequency_hz: Floats, shape: float, jitter: float, shimmer: float, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """A train of glottal pulses, and how open the glottis is (0 to 1), both (sample,).

    It is made at twice the sample rate and filtered down, as the pulses have no upper limit of frequency.

    frequency_hz: fundamental frequency at each sample.
    jitter, shimmer: standard deviations of each period's length and strength, as shares.
    """
    samples = len(frequency_hz)
    fine = np.repeat(frequency_hz, OVERSAMPLING) / (SAMPLE_RATE_HZ * OVERSAMPLING)
    period = np.cumsum(fine).astype(np.intp)  # the number of the period that each sample is in
    lengths = 1 + jitter * generator.standard_normal(period[-1] + 2)
    cycles = np.cumsum(fine * lengths[period])
    strengths = 1 + shimmer * generator.standard_normal(int(cycles[-1]) + 2)
    place = cycles % 1.0
    pulses = np.interp(place * TABLE_SIZE, np.arange(TABLE_SIZE + 1), flow_derivative(shape))
    pulses *= strengths[cycles.astype(np.intp)]
    openness = np.sin(np.pi * place[::OVERSAMPLING]) ** 2
    return signal.resample_poly(pulses, 1, OVERSAMPLING)[:samples], openness
