"""Measures beside BSSEval, of what was separated of the test tracks."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from assets.job import Job, Made
from assets.making.scores import at_files_rate, signals
from assets.making.sources import sources
from assets.paths import Paths
from sepmodels.audio import SAMPLE_RATE_HZ, targets_of
from sepmodels.errors import UserError
from sepmodels.files import hash_arrays, hash_file, hash_texts, replacing
from sepmodels.settings import Profile, changed
from sepmodels.systems.system import System

PITCH_FOLDER = "PitchLabel"  # as MIR-1K has it, in the folder of the sounds or beside that
COLUMNS = ("variant", "seed", "track", "target", "metric", "window", "value")


def make_measures(job: Job) -> Made:
    """Measure the system's estimates of every test track, of all its seeds; each a number for the whole track."""
    from sepmodels.dataset.stem_cache import cached_names, load_stems
    from sepmodels.machine.parallel import for_each_in_processes
    from sepmodels.scoring.threads import scoring_workers

    folder = job.paths.stems("test")
    tracks = cached_names(folder)
    parts = [(seed, track) for seed in job.own.seeds_of(job.profile.seeds) for track in tracks]
    longest = max((load_stems(folder, track).shape[-1] for track in tracks), default=0)
    labels = _labels(job.profile, tracks, job)
    measuring = _Measuring(job.profile, job.paths, job.own, job.code_version, labels, job.anew)
    # a measure has one thread, as museval has, and no more memory
    workers = scoring_workers("museval", longest / SAMPLE_RATE_HZ, job.profile.scoring_workers)
    tables, faults = for_each_in_processes(measuring, parts, workers=workers, progress=job.progress)
    for fault in faults:
        job.say(f"Not measured: {fault}")
    if not tables:
        raise UserError(f"No test track of {job.name} could be measured. {' '.join(map(str, faults))}")
    table = pd.concat(tables, ignore_index=True)
    for (track, said), _ in table[table.said != ""].groupby(["track", "said"], sort=False):
        job.say(f"{track}: {said}.")
    table = table[list(COLUMNS)]
    with replacing(job.paths.measured(job.name)) as temporary:
        table.to_parquet(temporary, index=False)
    medians = table[table.target == job.profile.target].groupby("metric", sort=False).value.median()
    return Made(hash_texts([table.to_csv(index=False)]), {str(name): float(value) for name, value in medians.items()})


def measure_ahead(job: Job, seed: int, tracks: Sequence[str]) -> None:
    """Measure some test tracks, where the step then finds them; one that cannot be measured is left to it."""
    from sepmodels.dataset.stem_cache import cached_names

    every = cached_names(job.paths.stems("test"))  # by which the step matches labels
    labels = _labels(job.profile, every, replace(job, say=_unsaid))
    measuring = _Measuring(job.profile, job.paths, job.own, job.code_version, labels, anew=False)
    for count, track in enumerate(tracks, start=1):
        with suppress(UserError):
            measuring((seed, track))
        job.progress(count, len(tracks), "track")


def _unsaid(_sentence: str) -> None:
    """The step says it, once."""


def pitch_labels(profile: Profile) -> Path | None:
    """The folder of pitch labels that came with the dataset, where a measure looks at them; None where none did."""
    from sepmodels.scoring.folders import PITCH_MEASURES

    if not profile.dataset.folder or not {*PITCH_MEASURES} & {name.upper() for name in profile.measures}:
        return None
    folder = Path(profile.dataset.folder)
    return next((place for place in (folder / PITCH_FOLDER, folder.parent / PITCH_FOLDER) if place.is_dir()), None)


def _labels(profile: Profile, tracks: list[str], job: Job) -> Mapping[str, Path] | None:
    from sepmodels.scoring.pitch_labels import find_labels

    if (folder := pitch_labels(profile)) is None:
        return None
    job.say(f"The true pitch is that of the labels in {folder}.")
    return find_labels(folder, tracks, job.say)


@dataclass(frozen=True)
class _Measuring:
    """Measures parts of a system's table, in whichever process. labels: the file of pitch labels of each track."""

    profile: Profile
    paths: Paths
    system: System
    code_version: str
    labels: Mapping[str, Path] | None
    anew: bool

    def __call__(self, part: tuple[int, str]) -> pd.DataFrame:
        """One track's rows, read back where they were made before from the same samples by the same code."""
        seed, track = part
        stems, estimates = signals(self.paths, self.system, seed, track)
        label = (self.labels or {}).get(track)
        key = hash_texts([self.code_version, hash_arrays(stems, estimates), hash_file(label) if label else ""])
        path = self.paths.measure_parts(self.system.name) / f"seed_{seed}" / f"{hash_texts([track])[:16]}.parquet"
        if not self.anew and path.exists() and (before := _read(path, key)) is not None:
            return before
        try:
            table = self._measured(stems, estimates, track).assign(variant=self.system.name, seed=seed, track=track)
        except UserError as fault:
            raise UserError(f"{track}: {fault}") from fault
        rows = pa.Table.from_pandas(table, preserve_index=False)
        rows = rows.replace_schema_metadata({**(rows.schema.metadata or {}), "key": key})
        with replacing(path) as temporary:
            pq.write_table(rows, temporary)
        return table

    def _measured(self, stems: np.ndarray, estimates: np.ndarray, track: str) -> pd.DataFrame:
        """A row for each target and measure, with what was said of the track."""
        from sepmodels.scoring.measures import chosen_measures, measure_track
        from sepmodels.scoring.pitch_labels import labels_of

        rate_hz = self.profile.sample_rate_hz
        if changed(self.profile, "scoring_rate"):
            rate_hz, stems, estimates = at_files_rate(self.paths, track, stems, estimates)
        truth = sources(stems)
        said: list[str] = []
        rows = measure_track(
            chosen_measures(self.profile.measures),
            truth,
            estimates,
            stems[0] / 32768,
            targets=targets_of(self.profile.target),
            sample_rate_hz=rate_hz,
            pitch=labels_of(self.labels, track, truth[0], rate_hz, said) if self.profile.target == "vocals" else None,
            say=said.append,
        )
        return rows.assign(window=pd.array([pd.NA] * len(rows), dtype="Int64"), said="; ".join(said))


def _read(path: Path, key: str) -> pd.DataFrame | None:
    """The rows of a part, if it was made from what the key says."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid):
        return None
    return table.to_pandas() if (table.schema.metadata or {}).get(b"key", b"").decode() == key else None


def measured_of(job: Job) -> pd.DataFrame:
    """What the profile's measures say of all systems, on the test set of the job; empty where they are none."""
    if not job.profile.measures:
        return pd.DataFrame(columns=list(COLUMNS))
    from sepmodels.scoring.measures import chosen_measures

    asked = [one.name for one in chosen_measures(job.profile.measures)]
    tables = [pd.read_parquet(path) for one in job.systems if (path := job.paths.measured(one.name)).exists()]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))
    return table[table.metric.isin(asked)]  # those of before may lie there still
