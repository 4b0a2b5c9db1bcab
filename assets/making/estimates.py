"""Separation of the test tracks with a trained variant."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assets.job import Job, Made
from assets.making.checkpoint import hash_weights
from sepmodels.files import hash_arrays, hash_texts, replacing

NOTE = "made.json"  # beside an estimate: what it was made from, and as what


def make_estimates(job: Job) -> Made:
    """Separate the test tracks with every seed's model; an interrupted run goes on where it was."""
    from sepmodels.dataset.stem_cache import cached_names
    from sepmodels.machine.devices import choose_device
    from sepmodels.models.model_file import load_model

    tracks = cached_names(job.paths.stems("test"))
    device = choose_device(job.profile.device)
    total = len(tracks) * len(job.profile.seeds)
    made: list[dict[str, Any]] = []
    kept_from: set[str] = set()
    for seed in job.profile.seeds:
        path = job.paths.model(job.name, seed)
        model, _ = load_model(path, expect=job.variant, device=device)
        one = _OneModel(job, model, hash_weights(path), seed, device, kept_from)
        for track in tracks:
            job.progress(len(made), total, "track")
            made.append({"seed": seed, "track": track, **one.separate(track)})
        _remove_all_but(job.paths.estimates(job.name, seed), tracks)
    job.progress(total, total, "track")
    table = pd.DataFrame(made)
    with replacing(job.paths.separation_figures(job.name)) as temporary:
        table.to_parquet(temporary, index=False)
    figures = {
        "tracks": len(tracks),
        "seconds": float(table.seconds.sum()),
    }
    if device.type == "cpu":
        figures["processor_seconds_per_second"] = float(table.processor_seconds.sum() / table.audio_seconds.sum())
    return Made(hash_texts(table.content), figures, kept_from=frozenset(kept_from))


def estimate_ahead(job: Job, seed: int, tracks: Sequence[str]) -> None:
    """Write the estimates of some test tracks by one seed's model, where :func:`make_estimates` then finds them."""
    from sepmodels.machine.devices import choose_device
    from sepmodels.models.model_file import load_model

    device = choose_device(job.profile.device)
    path = job.paths.model(job.name, seed)
    model, _ = load_model(path, expect=job.variant, device=device)
    one = _OneModel(job, model, hash_weights(path), seed, device, set())
    for count, track in enumerate(tracks, start=1):
        one.separate(track)
        job.progress(count, len(tracks), "track")


def forget_estimates(job: Job) -> None:
    """Let no estimate that was made before be kept."""
    for seed in job.profile.seeds:
        for note in job.paths.estimates(job.name, seed).glob(f"*/{NOTE}"):
            note.unlink(missing_ok=True)


def recorded_contents(job: Job) -> dict[tuple[int, str], str]:
    """The hash of each estimate as it was made, by seed and track, in the order of :func:`make_estimates`."""
    from sepmodels.dataset.stem_cache import cached_names

    parts = [(seed, track) for seed in job.profile.seeds for track in cached_names(job.paths.stems("test"))]
    notes = {part: _read_note(job.paths.estimate(job.name, *part).with_name(NOTE)) for part in parts}
    return {part: str(note.get("figures", {}).get("content")) for part, note in notes.items()}


def estimate_again(job: Job, seed: int, track: str) -> np.ndarray:
    """The vocals of a test track as the model of that seed hears them; nothing is written."""
    from sepmodels.machine.devices import choose_device
    from sepmodels.models.model_file import load_model

    device = choose_device(job.profile.device)
    path = job.paths.model(job.name, seed)
    model, _ = load_model(path, expect=job.variant, device=device)
    return _OneModel(job, model, hash_weights(path), seed, device, set()).vocals(track)


@dataclass(frozen=True)
class _OneModel:
    """The model of one seed, and what its estimates depend on.

    kept_from: gets the accepted versions of code that made what is kept.
    """

    job: Job
    model: Any
    model_hash: str
    seed: int
    device: Any
    kept_from: set[str]

    def separate(self, track: str) -> dict[str, Any]:
        """Write the track's estimate unless it is there, made from the same; the hash and time of it."""
        from sepmodels.audio import SAMPLE_RATE_HZ
        from sepmodels.audio.io import write_audio

        mixture = self._mixture(track)
        versions = (self.job.code_version, *self.job.accepted_versions)
        keys = {hash_texts([self.model_hash, version, hash_arrays(mixture)]): version for version in versions}
        path = self.job.paths.estimate(self.job.name, self.seed, track)
        note = path.with_name(NOTE)
        before = {} if self.job.anew else _read_note(note)
        if before.get("key") in keys and _size(path) == before.get("size_bytes"):
            self.kept_from.update({keys[before["key"]]} - {self.job.code_version})
            return before["figures"]
        started, worked = time.perf_counter(), time.process_time()
        vocals = self.vocals(track)
        seconds, processor_seconds = time.perf_counter() - started, time.process_time() - worked
        note.unlink(missing_ok=True)
        write_audio(path, vocals, SAMPLE_RATE_HZ)
        figures = {
            "content": hash_arrays(vocals),
            "device": self.device.type,
            "seconds": seconds,
            "processor_seconds": processor_seconds,
            "audio_seconds": mixture.shape[-1] / SAMPLE_RATE_HZ,
        }
        with replacing(note) as temporary:
            temporary.write_text(json.dumps({"key": next(iter(keys)), "size_bytes": _size(path), "figures": figures}))
        return figures

    def vocals(self, track: str) -> np.ndarray:
        """What the model hears of the track."""
        from sepmodels.separation.separate import separate

        return separate(
            self.model,
            self._mixture(track).astype(np.float32) / 32768,
            self.job.profile.separation,
            wiener_iterations=self.job.variant.wiener_iterations,
            device=self.device,
        )

    def _mixture(self, track: str) -> np.ndarray:
        from sepmodels.dataset.stem_cache import load_stems

        return load_stems(self.job.paths.stems("test"), track)[0]


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None


def _read_note(path: Path) -> dict[str, Any]:
    """What an estimate was made from; nothing where that is unknown, so that it is made again."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def _remove_all_but(folder: Path, tracks: list[str]) -> None:
    """Remove the estimates of tracks that the dataset no longer has."""
    for entry in folder.iterdir():
        if entry.name not in tracks:
            shutil.rmtree(entry)
