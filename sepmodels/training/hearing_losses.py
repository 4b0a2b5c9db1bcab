"""Losses that look at sound in other ways than bins and samples do, some of them closer to hearing.

As those of :mod:`sepmodels.training.losses`: ``loss(estimate, target)`` -> a scalar in float32, 0 where the estimate is
the target, a mean over every axis. Filter banks are made once for each transform, in NumPy, and copied at each step to
where the model is: at most half a megabyte.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.stft import Stft, magnitude_of
from sepmodels.models.estimate import Estimate

RESOLUTIONS = (512, 1024, 2048, 4096)  # windows in samples, with a hop of a quarter
BANDS = 64  # of the mel scale
BARK_BANDS = 24
COEFFICIENTS = 20  # of the cepstrum
QUIETEST = 1e-3  # of a magnitude at full scale; below that all is as good as silent, and logarithms stay finite
CLEANEST = 1e-3  # of the target's energy: an error below -30 dB is not worth more of the model
FAINTEST_ENERGY = 1e-8  # per sample, of a target or an error: -80 dB of full scale


def log_magnitude_l1(estimate: Estimate, target: Tensor) -> Tensor:
    """Mean absolute error of the logarithms of magnitudes, as loudness is heard."""
    return F.l1_loss(_log(estimate.magnitude, estimate.stft), _log(estimate.target_magnitude(target), estimate.stft))


def mel_l1(estimate: Estimate, target: Tensor) -> Tensor:
    """Mean absolute error of the logarithms of mel bands: as far from each other as pitches are heard to be."""
    return _banded_l1(estimate, target, _mel_bank)


def bark_l1(estimate: Estimate, target: Tensor) -> Tensor:
    """Mean absolute error of the logarithms of Bark bands (Traunmüller 1990): what one place of the inner ear hears."""
    return _banded_l1(estimate, target, _bark_bank)


def mfcc_l1(estimate: Estimate, target: Tensor) -> Tensor:
    """Mean absolute error of mel-frequency cepstral coefficients: the timbre, with little of the pitch."""
    found, wanted = (_log_bands(one, estimate.stft, _mel_bank) for one in _magnitudes(estimate, target))
    with torch.autocast(found.device.type, enabled=False):
        return ((found - wanted).transpose(-1, -2) @ torch.as_tensor(_cosines(), device=found.device)).abs().mean()


def a_weighted_l1(estimate: Estimate, target: Tensor) -> Tensor:
    """Mean absolute error of the parts of bins, weighted as ears hear quiet sounds (IEC 61672, A)."""
    return torch.view_as_real(_a_weighted_error(estimate, target)).abs().mean()


def multi_resolution_l1(estimate: Estimate, target: Tensor) -> Tensor:
    """Mean absolute error of parts and magnitudes of bins by four transforms, from sharp in time to sharp in pitch.

    Magnitudes alone forgive any phase (Yamamoto et al. 2020); real and imaginary parts do not. Each transform is
    divided by the root of its window's energy, so that all weigh the same.
    """
    total = torch.zeros((), device=target.device)
    for n_fft in RESOLUTIONS:
        with target.device:
            stft = Stft(n_fft, n_fft // 4)
        found, wanted = stft(estimate.waveform), stft(target)
        error = torch.view_as_real(found - wanted).abs().mean() + F.l1_loss(magnitude_of(found), magnitude_of(wanted))
        total = total + error / stft.window_energy.sqrt()
    return total / len(RESOLUTIONS)


def si_sdr(estimate: Estimate, target: Tensor) -> Tensor:
    """How far the scale-invariant SDR (Le Roux et al. 2019) is below 30 dB, in dB, smoothly ending there.

    The threshold (Wisdom et al. 2020) lets no chunk that is clean already outweigh the others. A target that is silent
    counts as one of -80 dB, so that a model still learns to be silent.
    """
    found, wanted = estimate.waveform.flatten(1), target.float().flatten(1)
    energy = wanted.square().sum(dim=1, keepdim=True)
    floor = FAINTEST_ENERGY * wanted.shape[1]
    scaled = (found * wanted).sum(dim=1, keepdim=True) / (energy + floor) * wanted
    error = (found - scaled).square().sum(dim=1)
    return (10 * torch.log10(1 + error / (CLEANEST * (scaled.square().sum(dim=1) + floor)))).mean()


def log_wmse(estimate: Estimate, target: Tensor) -> Tensor:
    """The logarithm of the A-weighted mean squared error of each chunk, in decades above -80 dB.

    After log-WMSE (Nomad Factory's ``torch-log-wmse``), which also takes silent targets. There the error is relative to
    the mixture, of which a loss knows nothing here; here it is relative to full scale.
    """
    energy = _a_weighted_error(estimate, target).abs().square().mean(dim=(1, 2, 3)) / estimate.stft.window_energy
    return torch.log10(1 + energy / FAINTEST_ENERGY).mean()


def _magnitudes(estimate: Estimate, target: Tensor) -> tuple[Tensor, Tensor]:
    return estimate.magnitude, estimate.target_magnitude(target)


def _log(values: Tensor, stft: Stft) -> Tensor:
    """Logarithms that begin at 0, for what is quieter than :data:`QUIETEST` of a sine at full scale."""
    return torch.log1p(values / (QUIETEST * stft.window.sum()))


def _banded_l1(estimate: Estimate, target: Tensor, bank: Callable[[int], np.ndarray]) -> Tensor:
    found, wanted = (_log_bands(one, estimate.stft, bank) for one in _magnitudes(estimate, target))
    return F.l1_loss(found, wanted)


def _log_bands(magnitude: Tensor, stft: Stft, bank: Callable[[int], np.ndarray]) -> Tensor:
    """``(batch, channel, bin, frame)`` -> ``(batch, channel, band, frame)``."""
    with torch.autocast(magnitude.device.type, enabled=False):
        return _log(torch.as_tensor(bank(stft.bins), device=magnitude.device) @ magnitude, stft)


def _a_weighted_error(estimate: Estimate, target: Tensor) -> Tensor:
    error: Tensor = estimate.spectrogram - estimate.stft(target)
    return error * torch.as_tensor(_a_weights(estimate.stft.bins), device=error.device)


@lru_cache
def _mel_bank(bins: int) -> np.ndarray:
    """``(band, bin)`` of the mel scale (O'Shaughnessy 1987)."""
    return _triangles(np.log1p(_frequencies(bins) / 700), BANDS)


@lru_cache
def _bark_bank(bins: int) -> np.ndarray:
    """``(band, bin)`` of the Bark scale."""
    return _triangles(26.81 / (1 + 1960 / _frequencies(bins)) - 0.53, BARK_BANDS)


def _triangles(places: np.ndarray, bands: int) -> np.ndarray:
    """Bands equally far apart on the scale on which bins have these places: each a mean of bins, nearer ones more.

    A band is never narrower than its bins are apart, so that none is empty.
    """
    centres = np.linspace(places[0], places[-1], bands + 2)[1:-1]
    apart = np.diff(places)[np.searchsorted(places, centres) - 1]
    width = np.maximum(apart, (places[-1] - places[0]) / (bands + 1))
    bank = np.maximum(1 - np.abs(places - centres[:, None]) / width[:, None], 0.0)
    normed: np.ndarray = bank / bank.sum(axis=1, keepdims=True)
    return normed.astype(np.float32)


@lru_cache
def _cosines() -> np.ndarray:
    """``(band, coefficient)``: the first ones of an orthonormal discrete cosine transform (DCT-II)."""
    cosines = np.cos(np.pi / BANDS * np.outer(np.arange(BANDS) + 0.5, np.arange(COEFFICIENTS)))
    cosines[:, 0] /= math.sqrt(2)
    return (math.sqrt(2 / BANDS) * cosines).astype(np.float32)


@lru_cache
def _a_weights(bins: int) -> np.ndarray:
    """The factor of each bin, ``(bin, 1)``: 1 at 1 kHz."""
    squared = _frequencies(bins) ** 2
    weights: np.ndarray = (12_194**2 * squared**2) / (
        (squared + 20.6**2) * np.sqrt((squared + 107.7**2) * (squared + 737.9**2)) * (squared + 12_194**2)
    )
    return (10 ** (2.0 / 20) * weights).astype(np.float32)[:, None]


def _frequencies(bins: int) -> np.ndarray:
    """Of each bin in Hz; of the lowest a little above 0, which formulas divide by."""
    return np.maximum(np.linspace(0, SAMPLE_RATE_HZ / 2, bins), math.ulp(1.0))
