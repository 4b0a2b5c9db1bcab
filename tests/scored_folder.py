"""A data folder as a finished benchmark leaves it, made in a second: synthetic scores, short sounds, no training.

Every sound is the same rising tone at a level of its own, so that its pitch tells the place in the track.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from assets.job import Job
from assets.making.claims import make_claims
from assets.making.table import make_table
from assets.paths import Paths
from pipelines.profiles import PROFILES
from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.io import write_audio
from sepmodels.dataset.decoding import TrackAudio
from sepmodels.dataset.tracks import measure
from sepmodels.settings import ReportSettings
from sepmodels.systems import known_systems
from tests.sepmodels.results.test_table import made_scores

SYSTEMS = {"mixture": -8.0, "open_unmix": 0.0, "transformer": -0.4, "l1_loss": 0.5, "oracle_mask": 4.0}
TRAINED = ("open_unmix", "transformer", "l1_loss")
LEVELS = {"open_unmix": 0.2, "transformer": 0.1, "l1_loss": 0.05}  # of the estimated vocals
MIXTURE_LEVEL, VOCALS_LEVEL = 0.5, 0.25
SECONDS, LOW_HZ, HIGH_HZ = 3.0, 400.0, 4000.0
ODD_NAME = "A & B <script> \"live\" 'x' #1? 100 %"
REPORT = ReportSettings(tracks=3, excerpt_seconds=SECONDS, bitrate_kbps=64)
TRACKS = (*(f"track {number}" for number in range(7)), ODD_NAME)


def rising_tone() -> np.ndarray:
    """Stereo (channel, sample) whose frequency rises evenly from LOW_HZ to HIGH_HZ; of level 1."""
    time = np.arange(round(SECONDS * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    phase = 2 * np.pi * (LOW_HZ * time + (HIGH_HZ - LOW_HZ) / SECONDS * time**2 / 2)
    return np.stack([np.sin(phase)] * 2).astype(np.float32)


def scored_job(data: Path, report: ReportSettings = REPORT) -> Job:
    """The report's job over a folder with everything that it reads."""
    profile = replace(PROFILES["musdb18-7s"], report=report)
    job = Job(profile, Paths(data, profile.name), systems=tuple(known_systems()[name] for name in SYSTEMS))
    _write_tracks(job.paths)
    _write_sounds(job.paths)
    scores = made_scores(SYSTEMS, tracks=len(TRACKS))
    scores["track"] = scores.track.map({f"track {number}": name for number, name in enumerate(TRACKS)})
    for name in SYSTEMS:
        path = job.paths.scores(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        scores[scores.variant == name].to_parquet(path, index=False)
    for number, name in enumerate(TRAINED):
        _write_training(job.paths, name, 1.0 + number)
    make_table(job)
    make_claims(job)
    return job


def _write_tracks(paths: Paths) -> None:
    paths.root.mkdir(parents=True)
    names = [("train", f"learned {number}") for number in range(3)] + [("test", name) for name in TRACKS]
    whole = TrackAudio(np.ones((5, 2, SAMPLE_RATE_HZ), np.int16), mono=(), sample_rate_hz=SAMPLE_RATE_HZ, gain=1.0)
    known = measure(whole) | {"duration_seconds": SECONDS, "vocal_activity": 0.5, "mixture_deviation_db": 30.0}
    known |= {"source_sample_rate_hz": SAMPLE_RATE_HZ, "left_out": "", "copies": ""}
    table = pd.DataFrame(names, columns=["split", "name"]).assign(**known)
    table.loc[0, "mono_stems"] = "bass"
    table.to_parquet(paths.tracks, index=False)


def _write_sounds(paths: Paths) -> None:
    tone = rising_tone()
    rest = (MIXTURE_LEVEL - VOCALS_LEVEL) * tone
    silence = np.zeros_like(tone)
    stems = np.stack([MIXTURE_LEVEL * tone, rest, silence, silence, VOCALS_LEVEL * tone])
    for track in TRACKS:
        path = paths.stems("test") / f"{track}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, (stems * 32767).astype(np.int16))
        path.with_suffix(".json").write_text("{}")
        for name, level in LEVELS.items():
            write_audio(paths.estimate(name, 42, track), level * tone, SAMPLE_RATE_HZ)


def _write_training(paths: Paths, name: str, pace: float) -> None:
    steps = np.arange(10, 110, 10)
    curves = {"loss": 1 / steps, "validation_loss": 2 / steps, "validation_sdr_db": np.log(steps)}
    rows = [(step, key, value) for key, values in curves.items() for step, value in zip(steps, values, strict=True)]
    paths.checkpoint(name, 42).mkdir(parents=True)
    pd.DataFrame(rows, columns=["step", "name", "value"]).to_parquet(paths.history(name, 42), index=False)
    figures = {"variant": name, "seed": 42, "steps": 100, "epochs": 10, "parameters": 8_000_000, "best_step": 90}
    figures |= {
        "seconds": 60 * pace,
        "processor_seconds": 30 * pace,
        "chunks_per_second": 10 / pace,
        "data_share": 0.01 * pace,
        "peak_memory_gib": pace,
        "device": "cpu",
    }
    figures |= {"precision": "32", "stopped_by": "steps", "notes": ""}
    figures |= {"hardware": "A processor", "libraries": "torch 2.14.1"}
    pd.DataFrame([figures]).to_parquet(paths.training_figures(name), index=False)
    times = {"seed": 42, "track": TRACKS, "device": "cpu", "seconds": 0.1 * pace, "processor_seconds": 0.2 * pace}
    times = pd.DataFrame({**times, "audio_seconds": SECONDS})
    times.to_parquet(paths.separation_figures(name), index=False)
