"""What workers of a cluster do: one part of a step, into the place where the step's own function then finds it.

Nothing of Dagster, MLflow or a database is imported here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from assets.job import Job
from assets.making.beside import Beside
from assets.making.checkpoint import make_checkpoint
from assets.making.estimates import estimate_ahead
from assets.making.measures import measure_ahead
from assets.making.scores import score_ahead
from assets.other_test_sets import places_of
from assets.paths import Paths
from assets.runtime.hosts import show_presence
from sepmodels.cluster.events import Told
from sepmodels.errors import unknown_name
from sepmodels.settings import Profile
from sepmodels.systems import known_systems, systems_of


def job_arguments(job: Job) -> dict[str, Any]:
    """What a worker has to know of a job, as JSON has it. Which GPU it has is for the cluster to say."""
    device = "cuda" if job.profile.device.startswith("cuda") else job.profile.device
    return {
        "data": str(job.paths.data),
        "profile": json.loads(json.dumps(asdict(replace(job.profile, device=device)))),
        "system": job.name,
        "test_set": getattr(job.paths, "test_set", ""),  # in place of the profile's own test split
        "code_version": job.code_version,
        "accepted_versions": list(job.accepted_versions),
    }


def train_seed(told: Told, *, seed: int, **arguments: Any) -> None:
    """Train a variant with one seed, in the folder beside its model; one that has ended is not trained again."""
    job = job_of(told, **arguments)
    paths = _OneSeed(job.paths.data, job.paths.profile)
    profile = replace(job.profile, seeds=(seed,))
    make_checkpoint(replace(job, profile=profile, paths=paths))


def separate_tracks(told: Told, *, seed: int, tracks: Sequence[str], **arguments: Any) -> None:
    """Write the estimates of these tracks by the model of a seed."""
    estimate_ahead(job_of(told, **arguments), seed, tracks)


def score_tracks(told: Told, *, seed: int, tracks: Sequence[str], **arguments: Any) -> None:
    """Score these tracks of a seed; what cannot be scored is left to the step, which says so."""
    score_ahead(job_of(told, **arguments), seed, tracks)


def measure_tracks(told: Told, *, seed: int, tracks: Sequence[str], **arguments: Any) -> None:
    """Measure these tracks of a seed beside BSSEval; what cannot be measured is left to the step, which says so."""
    measure_ahead(job_of(told, **arguments), seed, tracks)


class _OneSeed(Beside):
    """The places of a training beside the model; the figures of all seeds are for the head to write."""

    def training_figures(self, variant: str) -> Path:
        return self.root / "parts" / f"{variant}-checkpoint" / "figures.parquet"


def job_of(
    told: Told,
    *,
    data: str,
    profile: Mapping[str, Any],
    system: str,
    test_set: str,
    code_version: str,
    accepted_versions: Sequence[str],
) -> Job:
    """The job again, which tells what it would log, show and say. Raises UserError for a system that is not here."""
    chosen = _of_class(Profile, profile)
    places = Paths(Path(data), chosen.name, chosen.target)
    paths = places_of(places, test_set) if test_set else places
    show_presence(paths.data)
    systems = systems_of(chosen, paths.systems)
    choices = {**known_systems(), **{one.name: one for one in systems}}
    if system not in choices:
        raise unknown_name("system", system, choices)
    return Job(
        chosen,
        paths,
        choices[system],
        systems,
        code_version=code_version,
        accepted_versions=tuple(accepted_versions),
        log=told.log,
        progress=told.progress,
        say=told.say,
    )


def _of_class(kind: type, found: Mapping[str, Any]) -> Any:
    """A dataclass of settings from its JSON; a field that is one itself is made in the same way."""
    kinds = get_type_hints(kind)
    inner = {name: kinds[name] for name in found if is_dataclass(kinds[name])}
    values = {name: _of_class(inner[name], one) if name in inner else _frozen(one) for name, one in found.items()}
    return kind(**values)


def _frozen(value: Any) -> Any:
    """A value of a setting: JSON's lists are tuples there."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
