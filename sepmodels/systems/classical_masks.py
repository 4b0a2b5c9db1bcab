"""Masks of the vocals that need no training: repetition, factorisation, harmonics of a pitch. By torch; apart, so that
the list of systems needs no torch.

Each takes the magnitudes of a mixture, float32 ``(2, bin, frame)``, and gives the vocals' mask, of the same shape.
"""

import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.overlap_add import overlap_add
from sepmodels.audio.recordings import ArrayRecording
from sepmodels.audio.stft import Stft, magnitude_of, masked

STFT = Stft(n_fft=2048, hop=512)
_LOWEST_VOICE_HZ, _HIGHEST_VOICE_HZ = 100.0, 1000.0  # of the fundamental
SEGMENT_SECONDS = 60
_TINY = 1e-8


def masked_by(mask: Callable[[Tensor], Tensor], mixture: np.ndarray) -> np.ndarray:
    """The vocals of a mixture, float32 ``(2, sample)``, by a mask of each minute of it."""

    def process(segments: np.ndarray) -> np.ndarray:
        spectra = STFT(torch.from_numpy(segments))
        masks = torch.stack([mask(magnitude_of(one)) for one in spectra])
        return STFT.inverse(masked(masks, spectra), segments.shape[-1]).numpy()

    blocks = overlap_add(
        process,
        ArrayRecording(mixture, SAMPLE_RATE_HZ),
        segment_samples=SEGMENT_SECONDS * SAMPLE_RATE_HZ,
        overlap_samples=SAMPLE_RATE_HZ,
    )
    return np.concatenate([np.empty((2, 0), np.float32), *blocks], axis=1)


def repetition_mask(magnitudes: Tensor) -> Tensor:
    """What does not repeat is the voice: REPET-SIM (Rafii and Pardo 2012), a kernel additive model.

    The background of a frame is the median of the frames most like it, at least a second apart from each other's
    neighbours; the mask is what it leaves, in Wiener's form. Below 100 Hz there is no voice.
    """
    spectrum = magnitudes.mean(dim=0)  # (bin, frame)
    normed = spectrum / spectrum.norm(dim=0).clamp_min(_TINY)
    likeness = normed.T @ normed
    frames = spectrum.shape[1]
    around = round(0.2 * SAMPLE_RATE_HZ / STFT.hop)
    place = torch.arange(frames)
    likeness[((place[:, None] - place).abs() < around) & (place[:, None] != place)] = -1.0
    alike = likeness.topk(min(frames, max(5, min(50, frames // 10))), dim=1).indices  # (frame, k)
    median = torch.stack([spectrum[:, others].median(dim=-1).values for others in alike], dim=-1)
    background = torch.minimum(spectrum, median)
    return _above_bass(_wiener(spectrum - background, background)).expand_as(magnitudes)


def factor_mask(magnitudes: Tensor, components: int = 32) -> Tensor:
    """Components of a non-negative matrix factorisation that look like a voice (after Chanrungutai and
    Ratanamahatana 2008, who choose them by how long they sound).

    Chosen is what has most of its energy between 150 and 5000 Hz and in the middle of the stereo image, and sounds
    in few frames: the better half.
    """
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    left, right = magnitudes
    spectrum = (left + right).numpy() / 2
    model = NMF(components, init="nndsvda", beta_loss="kullback-leibler", solver="mu", max_iter=50, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
        bases = model.fit_transform(np.maximum(spectrum, _TINY))  # (bin, component)
    gains = model.components_  # (component, frame)
    band = _band(150.0, 5000.0).numpy()
    in_band = bases[band].sum(axis=0) / np.maximum(bases.sum(axis=0), _TINY)
    balance = torch.minimum(left, right) / torch.maximum(left, right).clamp_min(_TINY)
    central = np.einsum("bc,bf,cf->c", bases, (balance.numpy() * spectrum), gains)
    central /= np.maximum(np.einsum("bc,bf,cf->c", bases, spectrum, gains), _TINY)
    sparse = 1 - gains.mean(axis=1) / np.maximum(gains.max(axis=1), _TINY)
    score = in_band * central * sparse
    chosen = score >= np.median(score)
    voice, rest = (torch.from_numpy((bases[:, some] @ gains[some]).astype(np.float32)) for some in (chosen, ~chosen))
    return _above_bass(_wiener(voice, rest)).expand_as(magnitudes)


def pitch_mask(magnitudes: Tensor, partials: int = 20) -> Tensor:
    """The harmonics of the strongest pitch: sinusoidal modelling of the melody (after Salamon and Gomez 2012).

    A pitch is as salient as the weighted sum of its partials; the path of pitches through time is the one of most
    salience with least movement (Viterbi). Around each partial the mask is 1, two bins wide and falling.
    """
    spectrum = magnitudes.mean(dim=0).sqrt()
    pitches_hz = _LOWEST_VOICE_HZ * 2 ** (torch.arange(0, 12 * np.log2(_HIGHEST_VOICE_HZ / _LOWEST_VOICE_HZ), 0.5) / 12)
    width_hz = SAMPLE_RATE_HZ / STFT.n_fft
    numbers = torch.arange(1, partials + 1)
    bins = (pitches_hz[:, None] * numbers / width_hz).round().long()  # (pitch, partial)
    salience = torch.einsum("phf,h->pf", spectrum[bins], 0.8 ** (numbers - 1.0))
    path = _smoothest(salience / salience.max(dim=0).values.clamp_min(_TINY))
    distance = torch.arange(STFT.bins)[:, None] - (pitches_hz[path] / width_hz)  # to the fundamental
    spacing = pitches_hz[path] / width_hz
    off = (distance - spacing * (distance / spacing).round()).abs()  # bins to the nearest partial
    mask = torch.exp(-0.5 * (off / 1.5) ** 2)
    mask[torch.arange(STFT.bins)[:, None] > spacing * (partials + 0.5)] = 0.0
    return _above_bass(mask).expand_as(magnitudes)


def _smoothest(salience: Tensor, step_cost: float = 0.05) -> Tensor:
    """The path ``(frame,)`` through ``(pitch, frame)`` of most salience, less a cost for each half semitone."""
    pitches, frames = salience.shape
    cost = step_cost * (torch.arange(pitches)[:, None] - torch.arange(pitches)).abs().clamp_max(20)
    best = salience[:, 0]
    came_from = torch.zeros(frames, pitches, dtype=torch.long)
    for frame in range(1, frames):
        best, came_from[frame] = (best - cost).max(dim=1)
        best = best + salience[:, frame]
    path = torch.empty(frames, dtype=torch.long)
    path[-1] = best.argmax()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return path


def _wiener(voice: Tensor, rest: Tensor) -> Tensor:
    power = voice.clamp_min(0).square()
    return power / (power + rest.square()).clamp_min(_TINY)


def _band(low_hz: float, high_hz: float) -> Tensor:
    hertz = torch.arange(STFT.bins) * SAMPLE_RATE_HZ / STFT.n_fft
    return (hertz >= low_hz) & (hertz <= high_hz)


def _above_bass(mask: Tensor) -> Tensor:
    return mask * _band(_LOWEST_VOICE_HZ, SAMPLE_RATE_HZ)[:, None]
