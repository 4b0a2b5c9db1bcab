"""Clips of two-channel karaoke, as MIR-1K's: 16 kHz, the accompaniment on the left, the voice on the right."""

from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 16_000
NAMES = ("ann_1_01", "ann_1_02", "bob_1_01", "bob_1_02", "cyd_1_01", "cyd_1_02")


def clip(seed: int, seconds: float = 2.5, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Float (sample, 2): noise bursts on the left, a tone with vibrato on the right."""
    time_seconds = np.arange(round(seconds * rate_hz)) / rate_hz
    rng = np.random.default_rng(seed)
    beat = 0.2 * np.exp(-12 * (time_seconds % 0.5)) * rng.standard_normal(len(time_seconds))
    pitch = rng.uniform(150, 400) * time_seconds + 2 * np.sin(2 * np.pi * 5 * time_seconds)
    voice = 0.2 * sum(np.sin(2 * np.pi * k * pitch) / k for k in range(1, 6))
    return np.stack([beat, voice], axis=1)


def write_clips(folder: Path, names: tuple[str, ...] = NAMES, rate_hz: int = RATE_HZ) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        soundfile.write(folder / f"{name}.wav", clip(seed, rate_hz=rate_hz), rate_hz, subtype="PCM_16")
    return folder
