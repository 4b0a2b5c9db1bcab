"""Vowels and consonants as numbers: formants of published tables, bands of noise, and how the tract filters.

Sources: G. E. Peterson and H. L. Barney, "Control methods used in a study of the vowels", JASA 24 (1952),
Table II (average formants of men and women); D. H. Klatt, "Software for a cascade/parallel formant
synthesizer", JASA 67 (1980) (the cascade of resonators, bandwidths, formants of sonorants, bands of bursts).
"""

from dataclasses import dataclass

import numpy as np
from scipy import signal

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.dataset.demo.effects import Floats

RING_SAMPLES = 2048  # in which the narrowest resonator dies away by 88 dB
BANDWIDTHS_HZ = (70.0, 90.0, 150.0, 220.0, 300.0)
# First three formants, in Hz; keys are the vowels' ARPABET names.
VOWELS_HZ: dict[str, dict[str, tuple[float, float, float]]] = {
    "man": {
        "IY": (270, 2290, 3010),
        "IH": (390, 1990, 2550),
        "EH": (530, 1840, 2480),
        "AE": (660, 1720, 2410),
        "AA": (730, 1090, 2440),
        "AO": (570, 840, 2410),
        "UH": (440, 1020, 2240),
        "UW": (300, 870, 2240),
        "AH": (640, 1190, 2390),
        "ER": (490, 1350, 1690),
    },
    "woman": {
        "IY": (310, 2790, 3310),
        "IH": (430, 2480, 3070),
        "EH": (610, 2330, 2990),
        "AE": (860, 2050, 2850),
        "AA": (850, 1220, 2810),
        "AO": (590, 920, 2710),
        "UH": (470, 1160, 2680),
        "UW": (370, 950, 2670),
        "AH": (760, 1400, 2780),
        "ER": (500, 1640, 1960),
    },
}
# Vowels that a long note glides through, as in "day", "my", "now", "no", "boy".
DIPHTHONGS = (("EH", "IY"), ("AA", "IY"), ("AA", "UW"), ("AO", "UW"), ("AO", "IY"))
HIGHER_FORMANTS_HZ = {"man": (3500.0, 4500.0), "woman": (4100.0, 5300.0)}


@dataclass(frozen=True)
class Consonant:
    """How a syllable begins.

    seconds: its length; level: how much of the voice goes on during it (0 voiceless).
    formants_hz: where the tract is, None for the vowel's own.
    noise_hz, noise_level: band of its hiss or burst, and strength against a voice whose level is 1;
        closure_share: the silence before a burst.
    """

    seconds: float
    level: float
    formants_hz: tuple[float, float, float] | None = None
    noise_hz: tuple[float, float] | None = None
    noise_level: float = 0.0
    closure_share: float = 0.0


CONSONANTS = {
    "s": Consonant(0.11, 0.0, None, (5000, 11000), 0.6),
    "sh": Consonant(0.11, 0.0, None, (2000, 7000), 0.6),
    "f": Consonant(0.09, 0.0, None, (1500, 12000), 0.25),
    "h": Consonant(0.07, 0.1, None, (700, 4500), 0.25),
    "t": Consonant(0.08, 0.0, None, (3000, 9000), 1.0, 0.6),
    "k": Consonant(0.09, 0.0, None, (1300, 4000), 1.0, 0.6),
    "p": Consonant(0.08, 0.0, None, (400, 2500), 0.8, 0.6),
    "d": Consonant(0.06, 0.25, (250, 1600, 2600), (2500, 7000), 0.5, 0.6),
    "b": Consonant(0.06, 0.25, (250, 900, 2200), (400, 2000), 0.5, 0.6),
    "m": Consonant(0.08, 0.45, (250, 1100, 2200)),
    "n": Consonant(0.08, 0.45, (250, 1600, 2600)),
    "l": Consonant(0.07, 0.6, (360, 1100, 2700)),
    "w": Consonant(0.08, 0.6, (300, 650, 2200)),
    "y": Consonant(0.08, 0.6, (270, 2200, 3000)),
    "r": Consonant(0.08, 0.6, (340, 1150, 1500)),
}


def resonators(formants_hz: Floats, bandwidths_hz: Floats) -> Floats:
    """Second-order sections of resonators with unit gain at 0 Hz (Klatt 1980, equation 2): (..., formant, 6)."""
    radius = np.exp(-np.pi * bandwidths_hz / SAMPLE_RATE_HZ)
    near = 2 * radius * np.cos(2 * np.pi * formants_hz / SAMPLE_RATE_HZ)
    far = np.broadcast_to(-(radius**2), near.shape)
    zero = np.zeros_like(near)
    return np.stack([1 - near - far, zero, zero, zero + 1, -near, -far], axis=-1)


def vocal_tract(source: Floats, formants_hz: Floats, hop_samples: int) -> Floats:
    """Filter a source (sample,) by a tract that moves: formants (frame, formant), one frame each ``hop_samples``.

    Overlapping pieces are filtered and let ring, each by its own frame: they fade into one another, where a
    filter that changed its coefficients in steps would buzz at the rate of the steps. Above the moving formants
    come fixed ones at the spacing of the last two, up to 15 kHz, so that the spectrum does not end with the fifth.
    """
    sections = resonators(formants_hz, np.asarray(BANDWIDTHS_HZ))
    window = signal.windows.hann(2 * hop_samples, sym=False)
    padded = np.pad(source, (hop_samples, 2 * hop_samples))
    voiced = np.zeros(len(padded) + RING_SAMPLES)
    piece = np.zeros(2 * hop_samples + RING_SAMPLES)
    for frame, start in enumerate(range(0, len(source) + hop_samples, hop_samples)):
        piece[: 2 * hop_samples] = window * padded[start : start + 2 * hop_samples]
        at = min(frame, len(sections) - 1)
        voiced[start : start + len(piece)] += signal.sosfilt(sections[at], piece)
    top_hz, spacing_hz = formants_hz[0, -1], formants_hz[0, -1] - formants_hz[0, -2]
    fixed_hz = np.arange(top_hz + spacing_hz, 15_000, spacing_hz)
    fixed = resonators(fixed_hz, 0.08 * fixed_hz)
    return np.asarray(signal.sosfilt(fixed, voiced[hop_samples : hop_samples + len(source)]))
