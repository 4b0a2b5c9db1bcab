"""Scores of a system on the test tracks: of its estimates, or of what it makes of the stems."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from assets.job import Job, Made
from assets.making.sources import both_targets, sources
from assets.paths import Paths
from sepmodels.audio import TARGETS, targets_of
from sepmodels.errors import UserError
from sepmodels.files import hash_arrays, hash_texts, replacing
from sepmodels.settings import Profile, changed
from sepmodels.systems.system import System

# (paths, system, seed, track) -> the stems of a test track, and the system's estimates of both targets
Signals = Callable[[Paths, System, int, str], tuple[np.ndarray, np.ndarray]]


def make_scores(job: Job) -> Made:
    """Score the system's estimates of every test track."""
    return _score(job, job.profile.seeds, _of_estimates)


def make_scores_of_one(job: Job) -> Made:
    """Score the estimates of every test track, of a system that is not trained here, and so has no seeds."""
    return _score(job, (0,), _of_estimates)


def make_scores_from_stems(job: Job) -> Made:
    """Score what the system makes of the stems of every test track; it has no trainings, and so no seed."""
    return _score(job, (0,), _of_stems)


def _score(job: Job, seeds: tuple[int, ...], signals_of: Signals) -> Made:
    """The table of every seed and track; a track that cannot be scored is named and left out."""
    from sepmodels.dataset.stem_cache import cached_names, load_stems
    from sepmodels.machine.parallel import for_each_in_processes
    from sepmodels.scoring.threads import scoring_workers

    folder = job.paths.stems("test")
    parts = [(seed, track) for seed in seeds for track in cached_names(folder)]
    longest = max((load_stems(folder, track).shape[-1] for _, track in parts), default=0)
    if job.anew:
        shutil.rmtree(job.paths.score_parts(job.name), ignore_errors=True)
    versions = (job.code_version, *job.accepted_versions)
    scoring = _Scoring(job.profile, job.paths, job.own, versions, signals_of)
    workers = scoring_workers(job.profile.scorer, longest / job.profile.sample_rate_hz, job.profile.scoring_workers)
    tables, faults = for_each_in_processes(scoring, parts, workers=workers, progress=job.progress)
    said = [str(fault) for fault in faults]
    for fault in said:
        job.say(f"Not scored: {fault}")
    if not tables:
        raise UserError(f"No test track of {job.name} could be scored. {' '.join(said)}")
    kept_from = {_made_by(_part_file(job.paths, job.name, *part)) for part in parts} & {*job.accepted_versions}
    return replace(_write(job, pd.concat(tables, ignore_index=True), said), kept_from=frozenset(kept_from))


@dataclass(frozen=True)
class _Scoring:
    """Scores parts of a system's table, in whichever process.

    code_versions: today's, and those that were accepted as the same.
    """

    profile: Profile
    paths: Paths
    system: System
    code_versions: tuple[str, ...]
    signals_of: Signals

    def __call__(self, part: tuple[int, str]) -> pd.DataFrame:
        """One track's rows, read back where they were made before from the same samples by the same code."""
        seed, track = part
        try:
            stems, estimates = self.signals_of(self.paths, self.system, seed, track)
            samples = hash_arrays(stems, estimates)
            keys = [hash_texts([version, self.profile.scorer, samples]) for version in self.code_versions]
            path = _part_file(self.paths, self.system.name, seed, track)
            if path.exists() and (before := _read_part(path, keys)) is not None:
                return before
            what = (self.system.name, seed, track)
            table = (
                _rows_of_target(self.profile, self.paths, what, stems, estimates, self.profile.scorer)
                if changed(self.profile, "target")
                else _rows_at_files_rate(self.paths, what, stems, estimates, self.profile.scorer)
                if changed(self.profile, "scoring_rate")
                else _rows(what, stems, estimates, self.profile.sample_rate_hz, self.profile.scorer)
            )
        except UserError as fault:
            raise UserError(f"{track}: {fault}") from fault
        rows = pa.Table.from_pandas(table, preserve_index=False)
        notes = {"key": keys[0], "made_by": self.code_versions[0]}
        rows = rows.replace_schema_metadata({**(rows.schema.metadata or {}), **notes})  # beside pandas' own types
        with replacing(path) as temporary:
            pq.write_table(rows, temporary)
        return table


def score_ahead(job: Job, seed: int, tracks: Sequence[str]) -> None:
    """Score some test tracks, where the step then finds them; one that cannot be scored is left to it."""
    signals_of = _of_estimates if "estimates" in job.own.chain else _of_stems
    scoring = _Scoring(job.profile, job.paths, job.own, (job.code_version, *job.accepted_versions), signals_of)
    for count, track in enumerate(tracks, start=1):
        with suppress(UserError):
            scoring((seed, track))
        job.progress(count, len(tracks), "track")


def score_part(profile: Profile, paths: Paths, system: System, seed: int, track: str, *, scorer: str) -> pd.DataFrame:
    """The rows of one system, seed and track, by the scorer named."""
    what = (system.name, seed, track)
    if changed(profile, "target"):
        return _rows_of_target(profile, paths, what, *signals(paths, system, seed, track), scorer)
    if changed(profile, "scoring_rate"):
        return _rows_at_files_rate(paths, what, *signals(paths, system, seed, track), scorer)
    return _rows(what, *signals(paths, system, seed, track), profile.sample_rate_hz, scorer)


def _rows_at_files_rate(
    paths: Paths, what: tuple[str, int, str], stems: np.ndarray, estimates: np.ndarray, scorer: str
) -> pd.DataFrame:
    """The rows of a track at the rate of its files, where that is lower than the stems'."""
    from sepmodels.dataset.rates import scored_rates_hz

    rate_hz = scored_rates_hz(paths.tracks)[what[2]]
    return _rows(what, *_at_rate(rate_hz, stems, estimates), rate_hz, scorer)


def _rows_of_target(
    profile: Profile, paths: Paths, what: tuple[str, int, str], stems: np.ndarray, estimates: np.ndarray, scorer: str
) -> pd.DataFrame:
    """The rows of a track where another target than the vocals is separated, at the rate that the profile says."""
    from sepmodels.scoring.track import score_track

    rate_hz = profile.sample_rate_hz
    if changed(profile, "scoring_rate"):
        rate_hz, stems, estimates = at_files_rate(paths, what[2], stems, estimates)
    name, seed, track = what
    targets = targets_of(profile.target)
    table = score_track(sources(stems), {name: estimates}, targets=targets, sample_rate_hz=rate_hz, scorer=scorer)
    table.insert(1, "seed", seed)
    table.insert(2, "track", track)
    return table


def at_files_rate(
    paths: Paths, track: str, stems: np.ndarray, estimates: np.ndarray
) -> tuple[int, np.ndarray, np.ndarray]:
    """The rate of a track's files in Hz, where that is lower than the stems', and both resampled to it."""
    from sepmodels.dataset.rates import scored_rates_hz

    rate_hz = scored_rates_hz(paths.tracks)[track]
    return rate_hz, *_at_rate(rate_hz, stems, estimates)


def _at_rate(rate_hz: int, stems: np.ndarray, estimates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The int16 stems, and the estimates, resampled; of the stems' own rate as they are.

    Stems are rounded to int16 again, so that silence stays exactly 0, by which BSSEval knows it.
    """
    from sepmodels.audio import SAMPLE_RATE_HZ
    from sepmodels.audio.resampling import resample

    if rate_hz == SAMPLE_RATE_HZ:
        return stems, estimates
    truth = np.rint(resample(stems, SAMPLE_RATE_HZ, rate_hz)).clip(-32768, 32767).astype(np.int16)
    return truth, resample(estimates, SAMPLE_RATE_HZ, rate_hz)


def _rows(
    what: tuple[str, int, str], stems: np.ndarray, estimates: np.ndarray, sample_rate_hz: int, scorer: str
) -> pd.DataFrame:
    from sepmodels.scoring.track import score_track

    name, seed, track = what
    table = score_track(
        sources(stems), {name: estimates}, targets=TARGETS, sample_rate_hz=sample_rate_hz, scorer=scorer
    )
    table.insert(1, "seed", seed)
    table.insert(2, "track", track)
    return table


def shortest_test_track(paths: Paths) -> str:
    """The test track that is scored soonest."""
    from sepmodels.dataset.stem_cache import cached_names, load_stems

    folder = paths.stems("test")
    return min(cached_names(folder), key=lambda name: load_stems(folder, name).shape[-1])


def signals(paths: Paths, system: System, seed: int, track: str) -> tuple[np.ndarray, np.ndarray]:
    """The stems of a test track, and the system's estimates of both targets: from its files, or made of the stems."""
    return (_of_estimates if "estimates" in system.chain else _of_stems)(paths, system, seed, track)


def _of_stems(paths: Paths, system: System, _seed: int, track: str) -> tuple[np.ndarray, np.ndarray]:
    from sepmodels.dataset.stem_cache import load_stems

    stems = load_stems(paths.stems("test"), track)
    vocals = system.separate(stems)
    return stems, both_targets(stems[0], vocals) if system.rest_is_accompaniment else np.stack([vocals, vocals])


def _of_estimates(paths: Paths, system: System, seed: int, track: str) -> tuple[np.ndarray, np.ndarray]:
    from sepmodels.audio.io import read_audio
    from sepmodels.dataset.stem_cache import load_stems

    stems = load_stems(paths.stems("test"), track)
    path = paths.estimate(system.name, seed, track)
    vocals, _ = read_audio(path)
    if vocals.shape != stems[0].shape:
        raise UserError(
            f"{path} has shape {vocals.shape} where its mixture has {stems[0].shape}: "
            f"materialize {system.name}/estimates again."
        )
    return stems, both_targets(stems[0], vocals)


def _part_file(paths: Paths, name: str, seed: int, track: str) -> Path:
    return paths.score_parts(name) / f"seed_{seed}" / f"{hash_texts([track])[:16]}.parquet"


def _made_by(path: Path) -> str:
    """The version of the code that made a part; empty where there is none."""
    return (pq.read_schema(path).metadata or {}).get(b"made_by", b"").decode() if path.exists() else ""


def _read_part(path: Path, keys: Iterable[str]) -> pd.DataFrame | None:
    """The rows of a part, if it was made from what one of the keys says."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid):
        return None
    metadata = table.schema.metadata or {}
    return table.to_pandas() if metadata.get(b"key", b"").decode() in keys else None


def silent_windows(profile: Profile, paths: Paths, system: System, seed: int, track: str) -> set[int]:
    """The windows in which museval gives NaN: a source of the references or of the estimates is silent there."""
    from sepmodels.dataset.rates import scored_rates_hz
    from sepmodels.scoring.signals import is_silent, window_starts

    stems, estimates = signals(paths, system, seed, track)
    length = profile.sample_rate_hz
    if changed(profile, "scoring_rate"):
        length = scored_rates_hz(paths.tracks)[track]
        stems, estimates = _at_rate(length, stems, estimates)
    both = np.concatenate([sources(stems), estimates])
    starts = window_starts(both.shape[-1], length, length)
    return {window for window, start in enumerate(starts) if is_silent(both[..., start : start + length]).any()}


def _write(job: Job, table: pd.DataFrame, faults: list[str]) -> Made:
    from sepmodels.scoring import write_museval_files

    with replacing(job.paths.scores(job.name)) as temporary:
        table.to_parquet(temporary, index=False)
    _remove_all_but(job, write_museval_files(table, job.paths.museval_files))
    figures: dict[str, float | int | str] = dict(_medians(table))
    figures["tracks_not_scored"] = len(faults)
    if faults:
        figures["not_scored"] = " ".join(faults)
    return Made(hash_texts([table.to_csv(index=False)]), figures)


def _remove_all_but(job: Job, written: Iterable[Path]) -> None:
    """Remove the system's museval files of tracks and seeds that there are no more: whoever sums them up takes all."""
    kept = set(written)
    for folder in (job.paths.museval_files / job.name, *job.paths.museval_files.glob(f"{job.name}_seed_*")):
        for file in folder.rglob("*.json"):
            if file not in kept:
                file.unlink()
        if folder.is_dir() and not any(folder.rglob("*.json")):
            shutil.rmtree(folder)


def _medians(table: pd.DataFrame) -> Iterator[tuple[str, float]]:
    """Median over windows, then over tracks, of each target and metric that is scored per window."""
    windows = table[table.window.notna()]
    tracks = windows.groupby(["target", "metric", "seed", "track"]).value.median()
    for (target, metric), value in tracks.groupby(["target", "metric"]).median().items():
        yield f"{target}_{metric}_db", float(value)
