"""Figures that need no filters: uSDR and SI-SDR of a whole track, in dB."""

from collections.abc import Sequence

import numpy as np

from sepmodels.scoring.signals import BLOCK_SAMPLES, Float64, decibels, read_into
from sepmodels.scoring.threads import in_shares


def whole_track_scores(reference: np.ndarray, estimate: np.ndarray, threads: int | None = None) -> Float64:
    """uSDR and SI-SDR per source, in dB, over all channels and samples together.

    uSDR is the plain signal-to-noise ratio of the Music Demixing Challenge (Mitsufuji et al. 2022, "Music
    Demixing Challenge 2021", equation 1), without its stabilising constant. SI-SDR is that of Le Roux et al.
    2019 ("SDR - half-baked or well done?", equation 4), without removal of the mean; it is -inf for an estimate
    of zeros.

    Shape:
        reference, estimate: (source, channel, sample), int16 or float; the estimate is cut or padded.
        result: (metric, source), metrics in the order uSDR, SI-SDR.
    """
    sources, channels, samples = reference.shape

    def sums(starts: Sequence[int]) -> Float64:
        truth, guess = np.empty((2, sources, channels, min(BLOCK_SAMPLES, samples)))
        totals = np.zeros((4, sources))
        for start in starts:
            read_into(truth, reference, start)
            read_into(guess, estimate[..., :samples], start)
            totals[:3] += _energies(truth, truth), _energies(guess, guess), _energies(truth, guess)
            guess -= truth
            totals[3] += _energies(guess, guess)
        return totals

    truth, guess, product, noise = np.sum(in_shares(sums, range(0, samples, BLOCK_SAMPLES), threads), axis=0)
    scaled = product**2 / truth
    residual = np.where(noise == 0, 0, np.maximum(guess - scaled, 0))
    si_sdr = np.where(guess == 0, -np.inf, decibels(scaled, residual))
    return np.stack([decibels(truth, noise), si_sdr])


def _energies(one: Float64, other: Float64) -> Float64:
    """Per source, the inner product of two waveforms (source, channel, sample)."""
    return np.asarray(np.einsum("scn,scn->s", one, other))
