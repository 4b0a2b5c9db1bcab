"""What each system costs to separate with, measured alone: kept in a small file for each, beside the products."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assets.making.models import models_of
from assets.paths import Paths
from sepmodels.errors import UserError
from sepmodels.files import hash_file, hash_texts, replacing
from sepmodels.results.costs import shown
from sepmodels.settings import Profile
from sepmodels.systems.added import Added, Tracks
from sepmodels.systems.system import System
from sepmodels.systems.variants import Variant


def can_be_measured(profile: Profile, paths: Paths, system: System) -> bool:
    """Whether it separates songs here and now: a variant with a model, or an added system of a kind that can."""
    if isinstance(system, Variant):
        return paths.model(system.name, profile.seeds[0]).exists()
    return isinstance(system, Added) and system.separates_songs


def version_of(profile: Profile, paths: Paths, system: System) -> str:
    """What was measured: the model's file, or whatever decides an added system's estimates."""
    if isinstance(system, Variant):
        return hash_file(paths.model(system.name, profile.seeds[0]))
    assert isinstance(system, Added)
    return hash_texts([json.dumps(dict(system.version()), sort_keys=True), system.name])


def is_measured(profile: Profile, paths: Paths, system: System) -> bool:
    """Whether its cost is known, as it is now."""
    return _read(paths.cost(system.name)).get("version") == version_of(profile, paths, system)


def measure(profile: Profile, paths: Paths, system: System, systems: Mapping[str, System]) -> None:
    """Measure one system in this process, on a CPU, and keep what was found.

    systems: those that it may be made from, by name.
    """
    import torch

    from sepmodels.machine.hardware import processor_name
    from sepmodels.separation.cost import Cost, multiply_adds, time_and_memory

    song, known = _song(paths), {}
    version = version_of(profile, paths, system)
    if isinstance(system, Variant):
        from sepmodels.models.model_file import load_model
        from sepmodels.separation.separate import separate

        file = paths.model(system.name, profile.seeds[0])
        model, _ = load_model(file, expect=system)
        factor, memory = time_and_memory(
            lambda mixture: separate(
                model, mixture, profile.separation, wiener_iterations=system.wiener_iterations, device="cpu"
            ),
            song,
        )
        known = {
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "multiply_adds_per_second": multiply_adds(model, model.sample_rate_hz),
            "model_bytes": file.stat().st_size,
        }
    else:
        assert isinstance(system, Added)
        with system.opened(Tracks(model=models_of(profile, paths, systems))) as by_system:
            factor, memory = time_and_memory(lambda mixture: by_system("song", mixture), song)
    cost = Cost(factor, memory, torch.get_num_threads(), processor_name(), version, **known)
    with replacing(paths.cost(system.name)) as temporary:
        temporary.write_text(json.dumps(asdict(cost), indent=1), encoding="utf-8")


def costs(paths: Paths, names: Iterable[str]) -> pd.DataFrame:
    """What is known, a row for each system, by the headings of :mod:`sepmodels.results.costs`."""
    found = {name: shown(_read(paths.cost(name))) for name in names}
    return pd.DataFrame.from_dict({name: row for name, row in found.items() if row}, orient="index")


def _song(paths: Paths) -> np.ndarray:
    """Test tracks one after another, as long as a measurement wants: float32 ``(2, sample)``."""
    from sepmodels.audio import FULL_SCALE, SAMPLE_RATE_HZ
    from sepmodels.dataset.stem_cache import cached_names, load_stems
    from sepmodels.separation.cost import SONG_SECONDS

    names = cached_names(paths.stems("test")) if paths.stems("test").is_dir() else []
    if not names:
        raise UserError(f"There are no test tracks in {paths.stems('test')} to measure with: run `sepbench run` first.")
    samples = SONG_SECONDS * SAMPLE_RATE_HZ
    joined = np.concatenate([load_stems(paths.stems("test"), name)[0][:, :samples] for name in names], axis=1)
    return np.resize(joined.T, (samples, 2)).T.astype(np.float32) / FULL_SCALE


def _read(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
