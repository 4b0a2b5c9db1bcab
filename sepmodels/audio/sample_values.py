"""What a sample may be: a number that sound can be computed with."""

from pathlib import Path

import numpy as np

from sepmodels.errors import UserError

# 120 dB beyond full scale. Files of floats on the scale of 16-bit numbers are below, and squares stay finite.
LARGEST_SAMPLE = 1e6


def require_numbers(samples: np.ndarray, source: Path | str, first: int, sample_rate_hz: int) -> None:
    """Raise :class:`UserError`, naming ``source`` and the second, for NaN, infinite and huge samples.

    samples: float (..., sample), of which the first is the recording's sample ``first``.
    """
    peak = np.abs(samples).max(initial=0.0)
    if peak <= LARGEST_SAMPLE:
        return
    bad = ~(np.abs(samples) <= LARGEST_SAMPLE)
    place = int(np.flatnonzero(bad.reshape(-1, samples.shape[-1]).any(axis=0))[0])
    value = samples.reshape(-1, samples.shape[-1])[:, place]
    worst = value[~(np.abs(value) <= LARGEST_SAMPLE)][0]
    what = "not a number (NaN)" if np.isnan(worst) else "infinite" if np.isinf(worst) else f"{worst:.3g}"
    raise UserError(
        f"{source} has a sample that is {what} at {(first + place) / sample_rate_hz:.3f} s, where full scale is 1: "
        "export it again, or cut that place out."
    )
