"""Scores of a variant's estimates, or of a reference, on the test tracks."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from assets.job import Job, Made
from assets.paths import Paths
from sepmodels.errors import UserError
from sepmodels.files import hash_arrays, hash_texts, replacing
from sepmodels.settings import Profile

TARGETS = ("vocals", "accompaniment")
Estimator = Callable[[Paths, str, int, str, np.ndarray], np.ndarray]


def make_scores(job: Job) -> Made:
    """Score the variant's estimates of the test tracks."""
    return _score(job, job.profile.seeds, _read_estimate)


def make_reference_scores(job: Job) -> Made:
    """Score a reference (the mixture as it is, the ideal mask), which needs no training and so no seed."""
    return _score(job, (0,), _reference_estimate)


def _read_estimate(paths: Paths, name: str, seed: int, track: str, stems: np.ndarray) -> np.ndarray:
    """The vocals that a variant's model made of the track."""
    from sepmodels.audio import read_audio

    path = paths.estimate(name, seed, track)
    vocals, _ = read_audio(path)
    if vocals.shape != stems[0].shape:
        raise UserError(
            f"{path} has shape {vocals.shape} where its mixture has {stems[0].shape}: "
            f"materialize {name}/estimates again."
        )
    return vocals


def _reference_estimate(_paths: Paths, name: str, _seed: int, _track: str, stems: np.ndarray) -> np.ndarray:
    """The vocals that a reference makes of the track."""
    from sepmodels.references import REFERENCES

    return REFERENCES[name].separate(stems)


def _score(job: Job, seeds: tuple[int, ...], estimate: Estimator) -> Made:
    """The table of every seed and track; a track that cannot be scored is named and left out."""
    from sepmodels.cache import cached_names

    parts = [(seed, track) for seed in seeds for track in cached_names(job.paths.stems("test"))]
    tables, faults = [], []
    for done, (seed, track) in enumerate(parts):
        job.progress(done, len(parts), "track")
        try:
            tables.append(_score_track(job, seed, track, estimate))
        except UserError as fault:
            faults.append(f"{track}: {fault}")
            job.say(f"{track} is not scored: {fault}")
    job.progress(len(parts), len(parts), "track")
    if not tables:
        raise UserError(f"No test track of {job.name} could be scored. {' '.join(faults)}")
    return _write(job, pd.concat(tables, ignore_index=True), faults)


def _score_track(job: Job, seed: int, track: str, estimate: Estimator) -> pd.DataFrame:
    """One track's rows, read back where they were made before from the same samples by the same code."""
    from sepmodels.cache import load_stems
    from sepmodels.scoring import score_track

    stems = load_stems(job.paths.stems("test"), track)
    vocals = estimate(job.paths, job.name, seed, track, stems)
    key = hash_texts([job.code_version, job.profile.scorer, hash_arrays(stems, vocals)])
    path = job.paths.score_parts(job.name) / f"seed_{seed}" / f"{hash_texts([track])[:16]}.parquet"
    if path.exists() and (before := _read_part(path, key)) is not None:
        return before
    table = score_track(
        sources(stems),
        {job.name: both_targets(stems[0], vocals)},
        targets=TARGETS,
        sample_rate_hz=job.profile.sample_rate_hz,
        scorer=job.profile.scorer,
    )
    table.insert(1, "seed", seed)
    table.insert(2, "track", track)
    with replacing(path) as temporary:
        pq.write_table(
            pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata({"key": key}), temporary
        )
    return table


def _read_part(path: Path, key: str) -> pd.DataFrame | None:
    """The rows of a part, if it was made from what ``key`` says."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid):
        return None
    metadata = table.schema.metadata or {}
    return table.to_pandas() if metadata.get(b"key") == key.encode() else None


def sources(stems: np.ndarray) -> np.ndarray:
    """The references to score against: int16 stems (stem, channel, sample) to float64 (target, channel, sample)."""
    floats = stems[1:].astype(np.float64) / 32768
    return np.stack([floats[3], floats[:3].sum(axis=0)])


def both_targets(mixture: np.ndarray, vocals: np.ndarray) -> np.ndarray:
    """Vocals and the rest of the int16 mixture, each (channel, sample), as float64 (target, channel, sample)."""
    vocals = vocals.astype(np.float64)
    return np.stack([vocals, mixture.astype(np.float64) / 32768 - vocals])


def silent_windows(profile: Profile, paths: Paths, name: str, seed: int, track: str) -> set[int]:
    """The windows in which museval gives NaN: a source of the references or of the estimates is silent there."""
    from sepmodels.cache import load_stems
    from sepmodels.references import REFERENCES
    from sepmodels.scoring.signals import is_silent, window_starts

    stems = load_stems(paths.stems("test"), track)
    estimate = _reference_estimate if name in REFERENCES else _read_estimate
    signals = np.concatenate([sources(stems), both_targets(stems[0], estimate(paths, name, seed, track, stems))])
    length = profile.sample_rate_hz
    starts = window_starts(signals.shape[-1], length, length)
    return {window for window, start in enumerate(starts) if is_silent(signals[..., start : start + length]).any()}


def _write(job: Job, table: pd.DataFrame, faults: list[str]) -> Made:
    with replacing(job.paths.scores(job.name)) as temporary:
        table.to_parquet(temporary, index=False)
    figures: dict[str, float | int | str] = dict(_medians(table))
    figures["tracks_not_scored"] = len(faults)
    if faults:
        figures["not_scored"] = " ".join(faults)
    return Made(hash_texts([table.to_csv(index=False)]), figures)


def _medians(table: pd.DataFrame) -> Iterator[tuple[str, float]]:
    """Median over windows, then over tracks, of each target and metric that is scored per window."""
    windows = table[table.window.notna()]
    tracks = windows.groupby(["target", "metric", "seed", "track"]).value.median()
    for (target, metric), value in tracks.groupby(["target", "metric"]).median().items():
        yield f"{target}_{metric}_db", float(value)
