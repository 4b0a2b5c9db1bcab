"""A part of a product made again with today's code, and compared bit by bit with what was recorded.

What was recorded is trusted only as far as it comes to the data version that Dagster keeps: whoever changes a note or
a file of a product changes that, and then nothing is compared.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from assets.job import Job
from assets.paths import Paths
from assets.staleness.last_made import RECORDS, SECONDS, LastMade
from assets.step import Step
from sepmodels.errors import UserError
from sepmodels.systems.system import System

TRACKS = 2  # the shortest of a product that is made track by track
STARTING_SECONDS = 5.0  # loading what a check needs
WHOLE = ("dataset", "tracks", "statistics", "results", "claims")  # made again as a whole


def seconds_to_check(step: Step, last: LastMade, job: Job) -> float | None:
    """How long :func:`made_again` will take, roughly; None where it cannot be, or nobody knows."""
    from sepmodels.dataset.stem_cache import cached_names

    kind, figures = _kind(step), {name: value.value for name, value in last.metadata.items()}
    seconds = figures.get("seconds", figures.get(SECONDS))
    if not isinstance(seconds, float):
        return None
    if kind == "checkpoint":
        record = last.noted(RECORDS).get(str(job.profile.seeds[0]))
        return STARTING_SECONDS + seconds * record["steps"] / figures["steps"] if record else None
    if kind in WHOLE and step.test_set is None:
        return STARTING_SECONDS + seconds
    if kind not in _CHECKS:
        return None
    tracks = len(cached_names(job.paths.stems(step.part[1] if kind == "stems" else "test")))
    parts = tracks * (1 if kind == "stems" else len(job.profile.seeds))
    return STARTING_SECONDS + seconds * min(1.0, TRACKS / max(1, parts))


def made_again(step: Step, last: LastMade, job: Job) -> str:
    """Make a part of the step's product again, and say how much of it was equal to what was recorded.

    Raises UserError that names the first figure that differs, and where what was recorded is not there, or is not what
    Dagster's data version says.
    """
    kind = _kind(step)
    if kind in WHOLE and step.test_set is None:
        return _whole(step, last, job)
    if kind not in _CHECKS or not _is_checked(step.system, kind):
        raise UserError("it cannot be checked; `sepbench run` makes it again.")
    return _CHECKS[kind](step, last, job)


def _is_checked(system: System | None, kind: str) -> bool:
    """Whether a product of that kind can be made again in part: nothing that a person gave can."""
    if system is None:
        return True
    return system.scored_here if kind == "scores" else "checkpoint" in system.chain


def _kind(step: Step) -> str:
    return step.part[0] if step.part[0] == "stems" else step.part[-1]


def _training(_step: Step, last: LastMade, job: Job) -> str:
    from assets.making.checkpoint import checkpoint_content, training_tracks
    from sepmodels.dataset.bin_statistics import read_statistics
    from sepmodels.training.first_steps import first_difference
    from sepmodels.training.rehearsal import rehearse
    from sepmodels.training.run_folder import beginning

    seed = job.profile.seeds[0]
    recorded = last.noted(RECORDS).get(str(seed))
    if recorded is None:
        raise UserError("nothing was recorded of its first steps, so there is nothing to compare with.")
    _trust(checkpoint_content(job), last)
    if beginning(job.paths.checkpoint(job.name, seed)) != recorded:
        raise UserError("the note of its first steps is not the one that was recorded when it was trained.")
    tracks, _ = training_tracks(job.paths)
    now = rehearse(
        job.variant,
        job.profile.training,
        recorded=recorded,
        train_tracks=tracks[0],
        valid_tracks=tracks[1],
        statistics=read_statistics(job.paths.statistics),
        seed=seed,
        device=job.profile.device,
        sample_rate_hz=job.profile.sample_rate_hz,
        progress=job.progress,
    )
    if difference := first_difference(recorded, now):
        places = [_listed(record["made_on"]) for record in (recorded, now)]
        rounding = f" It was trained on {places[0]}, and checked on {places[1]}, which may round otherwise."
        raise UserError(f"{difference}.{rounding if places[0] != places[1] else ''}")
    return f"{now['steps']} steps of seed {seed}"


def _listed(made_on: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in made_on.items())


def _stems(step: Step, last: LastMade, job: Job) -> str:
    from assets.making.dataset import dataset_folder
    from sepmodels.dataset.decoding import read_track
    from sepmodels.dataset.layouts import find_tracks
    from sepmodels.dataset.stem_cache import cache_content, load_stems

    folder = job.paths.stems(step.part[1])
    _trust(cache_content(folder), last)
    names = _shortest(folder)
    tracks = {track.name: track for track in find_tracks(dataset_folder(job.profile, job.paths), job.profile.dataset)}
    for name in names:
        if name not in tracks:
            raise UserError(f"{name} is not in the dataset any more.")
        _compare(load_stems(folder, name), read_track(tracks[name]).stems, f"the stems of {name}")
    return _tracks(names)


def _estimates(_step: Step, last: LastMade, job: Job) -> str:
    from assets.making.estimates import estimate_again, recorded_contents
    from sepmodels.audio.io import read_audio
    from sepmodels.files import hash_arrays, hash_texts

    seed = job.profile.seeds[0]
    contents = recorded_contents(job)
    _trust(hash_texts(contents.values()), last)
    names = _shortest(job.paths.stems("test"))
    for name in names:
        before, _ = read_audio(job.paths.estimate(job.name, seed, name))
        if hash_arrays(np.ascontiguousarray(before)) != contents[seed, name]:
            raise UserError(f"the estimate of {name} is not the one that was recorded.")
        _compare(before, estimate_again(job, seed, name), f"the estimate of {name}")
    return f"{_tracks(names)} of seed {seed}"


def _scores(_step: Step, last: LastMade, job: Job) -> str:
    from assets.making.scores import score_part
    from sepmodels.files import hash_texts

    table = pd.read_parquet(job.paths.scores(job.name))
    _trust(hash_texts([table.to_csv(index=False)]), last)
    seed = int(table.seed.iloc[0])
    names = [name for name in _shortest(job.paths.stems("test")) if name in set(table.track)]
    for name in names:
        before = table[(table.seed == seed) & (table.track == name)].reset_index(drop=True)
        now = score_part(job.profile, job.paths, job.own, seed, name, scorer=job.profile.scorer)
        compare_tables(before, now.reset_index(drop=True), f"the scores of {name}")
    return _tracks(names)


def _whole(step: Step, last: LastMade, job: Job) -> str:
    """Make all of it beside links to what it is made from."""
    with tempfile.TemporaryDirectory() as scratch:
        paths = _linked(job.paths, Path(scratch), own=_own(step, job))
        made = step.make(replace(job, paths=paths, anew=False))
        if made.content != last.data_version:
            for name in ("results", "tracks", "statistics"):
                before, now = (_table(name, some) for some in (job.paths, paths))
                if step.path == (name,) and before is not None and now is not None:
                    compare_tables(before, now, f"the table of {name}")
            raise UserError("what was made again is not what was recorded.")
    return "all of it"


def _table(name: str, paths: Paths) -> pd.DataFrame | None:
    files = {"results": paths.results / "results.parquet", "tracks": paths.tracks, "statistics": paths.statistics}
    return pd.read_parquet(files[name]) if files[name].exists() else None


def _own(step: Step, job: Job) -> set[str]:
    """The names, in the profile's folder, of what the step makes; tracks that people put there are not made."""
    paths, demo = job.paths, job.profile.dataset.layout == "demo"
    files = {
        "dataset": (paths.dataset, paths.manifest) if demo else (paths.manifest,),
        "tracks": (paths.tracks,),
        "statistics": (paths.statistics,),
        "results": (paths.results,),
        "claims": (paths.claims,),
    }
    return {path.name for path in files[_kind(step)]}


def _linked(paths: Paths, scratch: Path, own: set[str]) -> Paths:
    """A data folder whose products are links to the real ones, but for those of that name."""
    linked = Paths(scratch, paths.profile, paths.target)
    linked.root.mkdir(parents=True)
    for entry in paths.root.iterdir():
        if entry.name not in own:
            (linked.root / entry.name).symlink_to(entry)
    if paths.licences.exists():
        linked.licences.symlink_to(paths.licences)
    return linked


def _shortest(folder: Path) -> list[str]:
    from sepmodels.dataset.stem_cache import cached_names, load_stems

    return sorted(cached_names(folder), key=lambda name: (load_stems(folder, name).shape[-1], name))[:TRACKS]


def _tracks(names: Sequence[str]) -> str:
    return f"{len(names)} track{'' if len(names) == 1 else 's'}"


def _trust(content: str, last: LastMade) -> None:
    if content != last.data_version:
        raise UserError("its files and notes are not as they were recorded, so there is nothing to compare with.")


def _compare(before: np.ndarray, now: np.ndarray, what: str) -> None:
    if before.shape != now.shape:
        raise UserError(f"{what} had the shape {before.shape} and have {now.shape}.")
    if len(different := np.argwhere(before != now)):
        place = tuple(map(int, different[0]))
        raise UserError(f"{what} differ: value {place} was {before[place]!s} and is {now[place]!s}.")


def compare_tables(before: pd.DataFrame, now: pd.DataFrame, what: str) -> None:
    """Raise UserError for the first value in which two tables differ; NaN is equal to NaN."""
    if list(before.columns) != list(now.columns) or len(before) != len(now):
        raise UserError(f"{what} had other rows or columns.")
    for column in before.columns:
        equal = (before[column] == now[column]) | (before[column].isna() & now[column].isna())
        if not equal.all():
            row = int(np.argmin(equal.to_numpy()))
            named = ", ".join(str(before[name].iloc[row]) for name in before.columns if before[name].dtype == object)
            raise UserError(
                f"{what} differ: {column} of row {row} ({named}) was {before[column].iloc[row]!s} and is "
                f"{now[column].iloc[row]!s}."
            )


_CHECKS: Mapping[str, Callable[[Step, LastMade, Job], str]] = {
    "checkpoint": _training,
    "stems": _stems,
    "estimates": _estimates,
    "scores": _scores,
}
