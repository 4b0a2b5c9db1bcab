"""Separation of the test tracks with a trained variant."""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assets.job import Job, Made
from assets.training import hash_weights
from sepmodels.files import hash_arrays, hash_texts, replacing


def make_estimates(job: Job) -> Made:
    """Separate the test tracks with every seed's model; an interrupted run goes on where it was."""
    from sepmodels.cache import cached_names
    from sepmodels.checkpoints import load_model
    from sepmodels.devices import choose_device

    tracks = cached_names(job.paths.stems("test"))
    device = choose_device(job.profile.device)
    total = len(tracks) * len(job.profile.seeds)
    made: list[dict[str, Any]] = []
    for seed in job.profile.seeds:
        path = job.paths.model(job.name, seed)
        model, _ = load_model(path, expect=job.variant, device=device)
        one = _OneModel(job, model, hash_weights(path), seed, device)
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
    return Made(hash_texts(table.content), figures)


@dataclass(frozen=True)
class _OneModel:
    """The model of one seed, and what its estimates depend on."""

    job: Job
    model: Any
    model_hash: str
    seed: int
    device: Any

    def separate(self, track: str) -> dict[str, Any]:
        """Write the track's estimate unless it is there, made from the same; the hash and time of it."""
        from sepmodels.audio import SAMPLE_RATE_HZ, write_audio
        from sepmodels.cache import load_stems
        from sepmodels.separation import separate

        mixture = load_stems(self.job.paths.stems("test"), track)[0]
        key = hash_texts([self.model_hash, self.job.code_version, hash_arrays(mixture)])
        path = self.job.paths.estimate(self.job.name, self.seed, track)
        note = path.with_name("made.json")
        before = {} if self.job.anew else _read_note(note)
        if before.get("key") == key and _size(path) == before.get("size_bytes"):
            return before["figures"]
        started, worked = time.perf_counter(), time.process_time()
        vocals = separate(
            self.model,
            mixture.astype(np.float32) / 32768,
            self.job.profile.separation,
            wiener_iterations=self.job.variant.wiener_iterations,
            device=self.device,
        )
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
            temporary.write_text(json.dumps({"key": key, "size_bytes": _size(path), "figures": figures}))
        return figures


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
