"""Figures that need no filters: SDR per window, and uSDR and SI-SDR of a whole track, in dB."""

import numpy as np

from sepmodels.scoring.decibels import decibels
from sepmodels.scoring.signals import BLOCK_SAMPLES, Float64, read_into


def whole_track_scores(reference: np.ndarray, estimate: np.ndarray) -> tuple[Float64, Float64]:
    """uSDR and SI-SDR per source, in dB, over all channels and samples together.

    uSDR is the plain signal-to-noise ratio of the Music Demixing Challenge (Mitsufuji et al. 2022, "Music
    Demixing Challenge 2021", equation 1), without its stabilising constant. SI-SDR is that of Le Roux et al.
    2019 ("SDR - half-baked or well done?", equation 4), without removal of the mean; it is -inf for an estimate
    of zeros.

    Shape:
        reference, estimate: (source, channel, sample), int16 or float; the estimate is cut or padded.
        result: (source,) each.
    """
    sources, channels, samples = reference.shape
    truth, guess = np.empty((2, sources, channels, min(BLOCK_SAMPLES, samples)))
    reference_energy, estimate_energy, noise_energy, product = np.zeros((4, sources))
    for start in range(0, samples, BLOCK_SAMPLES):
        read_into(truth, reference, start)
        read_into(guess, estimate[..., :samples], start)
        reference_energy += np.einsum("scn,scn->s", truth, truth)
        estimate_energy += np.einsum("scn,scn->s", guess, guess)
        product += np.einsum("scn,scn->s", truth, guess)
        guess -= truth
        noise_energy += np.einsum("scn,scn->s", guess, guess)
    scaled_energy = product**2 / reference_energy
    residual_energy = np.where(noise_energy == 0, 0, np.maximum(estimate_energy - scaled_energy, 0))
    return decibels(reference_energy, noise_energy), decibels(scaled_energy, residual_energy)
