"""Estimates of the systems that are not trained here: read, or made by whatever the system is."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assets.job import Job, Made
from assets.making.estimates import NOTE
from sepmodels.errors import UserError
from sepmodels.files import hash_arrays, hash_texts, replacing
from sepmodels.systems.added import Heard, Model, Separate, Tracks, no_model
from sepmodels.systems.system import UNSEEDED

SEED = UNSEEDED[0]


def make_other_estimates(job: Job) -> Made:
    """The estimates of a system that stands on its own, or on other systems' estimates."""
    return _make(job, no_model)


def make_estimates_by_models(job: Job) -> Made:
    """The estimates of a system that separates by trained models; apart, so that their code counts for it alone."""
    from assets.making.models import models_of

    return _make(job, models_of(job.profile, job.paths, {one.name: one for one in job.systems}))


def _make(job: Job, model: Callable[[str], Model]) -> Made:
    """Let the system separate the test tracks; what was made before from the same is kept.

    What is odd about the estimates is said and kept with their figures. A track that has none is named; it is an
    error, unless the system is of a kind that may lack tracks.
    """
    from sepmodels.dataset.stem_cache import cached_names
    from sepmodels.systems.estimate_faults import summed_up

    names = cached_names(job.paths.stems("test"))
    rows: list[dict[str, Any]] = []
    lacking: dict[str, str] = {}
    with job.own.opened(Tracks(tuple(names), _estimates_of_others(job), model, job.say)) as separate:
        one = _OneSystem(job, separate)
        for done, track in enumerate(names):
            job.progress(done, len(names), "track")
            try:
                rows.append({"seed": SEED, "track": track, **one.separate(track)})
            except UserError as fault:
                if not job.own.may_lack_tracks:
                    raise UserError(f"{track}: {fault}") from fault
                lacking[track] = str(fault)
    if not rows:
        raise UserError(f"{job.name} has no estimate that can be used: {next(iter(lacking.values()))}")
    _remove_all_but(job.paths.estimates(job.name, SEED), [row["track"] for row in rows])
    job.progress(len(names), len(names), "track")
    said = [*summed_up([row["findings"] for row in rows]), *_lacking(lacking, len(names))]
    for sentence in said:
        job.say(sentence)
    table = pd.DataFrame(rows).assign(findings=[", ".join(row["findings"]) for row in rows])
    with replacing(job.paths.separation_figures(job.name)) as temporary:
        table.to_parquet(temporary, index=False)
    with replacing(job.paths.findings(job.name)) as temporary:
        temporary.write_text(json.dumps(said), encoding="utf-8")
    figures = {"tracks": len(rows), "seconds": float(table.seconds.sum()), "findings": " ".join(said)}
    return Made(hash_texts(table.content), figures)


def _lacking(faults: dict[str, str], tracks: int) -> Iterator[str]:
    if faults:
        track, fault = next(iter(faults.items()))
        yield f"{len(faults)} of {tracks} tracks have no estimate that can be used, such as {track}: {fault}"


def _estimates_of_others(job: Job):
    """Gives the estimates of another system, of each of its seeds."""
    from sepmodels.audio.io import read_audio

    systems = {one.name: one for one in job.systems}

    def estimates(name: str, track: str) -> list[np.ndarray]:
        seeds = systems[name].seeds_of(job.profile.seeds)
        return [read_audio(job.paths.estimate(name, seed, track))[0] for seed in seeds]

    return estimates


@dataclass(frozen=True)
class _OneSystem:
    job: Job
    separate_track: Separate

    def separate(self, track: str) -> dict[str, Any]:
        """Put the track's estimate into its place, unless the one there was made from the same; what is known of it."""
        from sepmodels.dataset.stem_cache import load_stems

        job = self.job
        stems = load_stems(job.paths.stems("test"), track)
        key = hash_texts([job.code_version, hash_arrays(stems)])
        path = job.paths.estimate(job.name, SEED, track)
        note = path.with_name(NOTE)
        if not job.anew and job.own.keeps_parts and path.exists() and (before := _read(note)).get("key") == key:
            return before["figures"]
        figures = self._made(track, stems, path)
        with replacing(note) as temporary:
            temporary.write_text(json.dumps({"key": key, "figures": figures}), encoding="utf-8")
        return figures

    def _made(self, track: str, stems: np.ndarray, path: Path) -> dict[str, Any]:
        from sepmodels.audio import FULL_SCALE, SAMPLE_RATE_HZ
        from sepmodels.machine.processor_time import processor_seconds
        from sepmodels.systems.estimate_faults import faults_of

        mixture = stems[0].astype(np.float32) / FULL_SCALE
        started, worked = time.perf_counter(), processor_seconds()
        heard = self.separate_track(track, mixture)
        seconds, processor_seconds = time.perf_counter() - started, processor_seconds() - worked
        path.with_name(NOTE).unlink(missing_ok=True)
        _put(heard, path)
        return {
            "content": hash_arrays(heard.vocals),
            "device": "" if self.job.own.may_lack_tracks else "cpu",
            "seconds": seconds,
            "processor_seconds": processor_seconds,
            "audio_seconds": mixture.shape[1] / SAMPLE_RATE_HZ,
            "findings": [*heard.said, *faults_of(heard.vocals, stems)],
        }


def _put(heard: Heard, path: Path) -> None:
    """Write the estimate, or a link to the file that has just these samples."""
    from sepmodels.audio import SAMPLE_RATE_HZ
    from sepmodels.audio.io import write_audio

    if heard.file is None:
        write_audio(path, heard.vocals, SAMPLE_RATE_HZ)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    link = path.with_name(f".tmp-link-{path.name}")
    link.unlink(missing_ok=True)
    link.symlink_to(heard.file.resolve())
    link.replace(path)


def _read(note: Path) -> dict[str, Any]:
    try:
        return json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _remove_all_but(folder: Path, tracks: list[str]) -> None:
    for entry in folder.iterdir():
        if entry.name not in tracks:
            shutil.rmtree(entry)
