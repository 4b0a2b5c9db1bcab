"""Figures over a whole track: uSDR and SI-SDR, in dB."""

import numpy as np

from sepmodels.scoring.signals import Float64, to_float64

BLOCK_SAMPLES = 1 << 18


def decibels(numerator: Float64, denominator: Float64) -> Float64:
    """10 log10 of a ratio of energies: inf over 0, as museval has it, and -inf for 0 over something."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 10 * np.log10(np.divide(numerator, denominator))
    return np.where(denominator == 0, np.inf, ratio)


def whole_track_sdr(reference: np.ndarray, estimate: np.ndarray) -> tuple[Float64, Float64]:
    """uSDR and SI-SDR per source, in dB, over all channels and samples together.

    uSDR is the plain signal-to-noise ratio that the Music Demixing Challenge scores (Mitsufuji et al. 2022),
    without its stabilising constant. SI-SDR is that of Le Roux et al. 2019 ("SDR - half-baked or well done?"),
    equation 5, without removal of the mean; it is -inf for an estimate of zeros.

    Shape:
        reference, estimate: (source, channel, sample), int16 or float.
        result: (source,) each.
    """
    sources, _, samples = reference.shape
    reference_energy, estimate_energy, noise_energy, product = np.zeros((4, sources))
    for start in range(0, samples, BLOCK_SAMPLES):
        block = slice(start, start + BLOCK_SAMPLES)
        truth, guess = to_float64(reference[..., block]), to_float64(estimate[..., block])
        reference_energy += np.einsum("scn,scn->s", truth, truth)
        estimate_energy += np.einsum("scn,scn->s", guess, guess)
        product += np.einsum("scn,scn->s", truth, guess)
        guess -= truth
        noise_energy += np.einsum("scn,scn->s", guess, guess)
    scaled_energy = product**2 / reference_energy
    residual_energy = np.where(noise_energy == 0, 0, np.maximum(estimate_energy - scaled_energy, 0))
    si_sdr = np.where(estimate_energy == 0, -np.inf, decibels(scaled_energy, residual_energy))
    return decibels(reference_energy, noise_energy), si_sdr
