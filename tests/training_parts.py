"""A training small enough for tests: a tiny variant, tracks made of tones and noise, short chunks."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from sepmodels.dataset.bin_statistics import bin_statistics
from sepmodels.settings import TrainingSettings
from sepmodels.systems.variants import Variant
from sepmodels.training.train import TrainingReport, train

SAMPLE_RATE_HZ = 4_000
TINY = Variant(
    name="tiny",
    title="Tiny",
    summary="Open-Unmix with hardly any weights.",
    architecture="open_unmix",
    loss="magnitude_mse",
    settings={"n_fft": 128, "hop": 64, "hidden": 8, "layers": 2, "bandwidth_hz": 1500},
)
TINY_TRANSFORMER = dataclasses.replace(
    TINY, architecture="transformer", settings={"n_fft": 128, "hop": 64, "hidden": 8, "heads": 2, "feedforward": 8}
)
TINY_U_NET = dataclasses.replace(
    TINY, architecture="time_domain", settings={"channels": 4, "levels": 3, "hidden": 8, "layers": 2}
)
SETTINGS = TrainingSettings(batch=4, chunk_seconds=0.25, chunks_per_track=8, steps=12)  # 6 steps an epoch


def make_track(seed: int, seconds: float = 2.0) -> np.ndarray:
    """Int16 (stream, channel, sample): a voice of tones, and noise for the rest."""
    rng = np.random.default_rng(seed)
    samples = round(seconds * SAMPLE_RATE_HZ)
    stems = rng.normal(0, 1500, (4, 2, samples))
    stems[3] = 6000 * np.sin(2 * np.pi * rng.uniform(200, 400) * np.arange(samples) / SAMPLE_RATE_HZ)
    stems = stems.astype(np.int16)
    return np.concatenate([stems.sum(axis=0, dtype=np.int16, keepdims=True), stems])


TRAIN = [make_track(1), make_track(2), make_track(3, seconds=1.5)]
VALID = [make_track(4, seconds=1.2), make_track(5, seconds=1.2)]


class Listener:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.points: list[tuple[int, dict[str, float]]] = []

    def __call__(self, figures: Any, step: int) -> None:
        self.points.append((step, dict(figures)))

    def values(self, name: str) -> list[float]:
        return [figures[name] for _, figures in self.points if name in figures]


def train_tiny(folder: Path, settings: TrainingSettings = SETTINGS, **changes: Any) -> TrainingReport:
    """Train on the CPU with what is above, but for ``changes``."""
    tracks = changes.get("train_tracks") or TRAIN
    arguments: dict[str, Any] = {
        "train_tracks": TRAIN,
        "valid_tracks": VALID,
        "statistics": bin_statistics([track[0] for track in tracks], n_fft=128, hop=64),
        "folder": folder,
        "seed": 1,
        "device": "cpu",
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "log": Listener(),
    }
    variant = changes.pop("variant", TINY)
    return train(variant, settings, **(arguments | changes))


def model_facts(path: Path) -> dict[str, object]:
    """What a model file says beside its variant: the seed, the step, the validation loss."""
    with safe_open(path, framework="pt") as stored:
        return json.loads(stored.metadata()["facts"])
