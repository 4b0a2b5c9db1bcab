"""A benchmark small enough for tests: the real path, on seconds of audio and a few training steps."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import dagster as dg

from assets.factory import benchmark_assets
from assets.paths import Paths
from assets.resources import benchmark_resources
from pipelines.profiles import PROFILES
from sepmodels.settings import Profile
from sepmodels.systems import aimed
from sepmodels.systems.references import REFERENCES
from sepmodels.systems.system import System
from sepmodels.systems.variants import VARIANTS

# The same settings for a command, whose processes read them from the environment.
OVERRIDES = {
    "training.batch": "2",
    "training.chunk_seconds": "1",
    "training.chunks_per_track": "2",
    "training.steps": "4",
    "separation.segment_seconds": "10",
    "extra_systems": "",
}


def small_profile(dataset: Path) -> Profile:
    profile = PROFILES["musdb18-7s"]
    return replace(
        profile,
        dataset=replace(profile.dataset, folder=str(dataset)),
        training=replace(profile.training, batch=2, chunk_seconds=1.0, chunks_per_track=2, steps=4),
        separation=replace(profile.separation, segment_seconds=10.0),
    )


def materialize(
    profile: Profile,
    data: Path,
    instance: dg.DagsterInstance,
    variants: list[str],
    added: Iterable[System] = (),
    **options: object,
) -> dg.ExecuteInProcessResult:
    """Materialize the benchmark of those variants, the references and what is added in this process."""
    paths = Paths(data, profile.name, profile.target)
    chosen = [aimed(VARIANTS[name], profile.target) for name in variants]
    return dg.materialize(
        benchmark_assets(profile, paths, [*chosen, *REFERENCES.values(), *added]),
        instance=instance,
        resources=benchmark_resources(data / "mlflow"),
        raise_on_error=False,
        **options,
    )
