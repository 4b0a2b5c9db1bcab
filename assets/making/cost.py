"""What each system costs to separate with, measured alone: kept in a small file for each, beside the products."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assets.making.models import models_of
from assets.paths import Paths
from sepmodels.errors import UserError
from sepmodels.files import hash_file, hash_texts, replacing
from sepmodels.machine.hardware import processor_name
from sepmodels.machine.parallel import usable_cores
from sepmodels.results.costs import shown
from sepmodels.settings import Profile, result_settings
from sepmodels.systems.added import Added, Tracks
from sepmodels.systems.system import System
from sepmodels.systems.variants import Variant

Systems = Mapping[str, System]


def can_be_measured(profile: Profile, paths: Paths, system: System, systems: Systems) -> bool:
    """Whether it separates songs here and now: a variant with a model, or an added system of a kind that can.

    systems: all of the benchmark, by name, of which it may be made.
    """
    if isinstance(system, Variant):
        return paths.model(system.name, profile.seeds[0]).exists()
    if not (isinstance(system, Added) and system.separates_songs):
        return False
    return all(can_be_measured(profile, paths, systems[name], systems) for name in system.needs)


def is_measured(profile: Profile, paths: Paths, system: System, systems: Systems) -> bool:
    """Whether its cost is known, as it is now, on a machine like this."""
    known = _read(paths.cost(system.name)).get("version")
    return known is not None and known == _version(profile, paths, system, systems)


def measure(profile: Profile, paths: Paths, system: System, systems: Systems) -> None:
    """Measure one system in this process, on the CPU, and keep what was found.

    Raises UserError where there are no test tracks to measure with, and as the system does.
    """
    from sepmodels.separation.cost import Cost, time_and_memory

    profile = replace(profile, device="cpu")
    with _opened(profile, paths, system, systems) as separate:
        song = _song(paths)
        factor, memory = time_and_memory(separate, song)
        model = _of_model(profile, paths, system) or _of_published(system, separate, song)
    cost = Cost(_version(profile, paths, system, systems), factor, memory, **model)
    with replacing(paths.cost(system.name)) as temporary:
        temporary.write_text(json.dumps(asdict(cost), indent=1), encoding="utf-8")


def costs(profile: Profile, paths: Paths, systems: Systems) -> pd.DataFrame:
    """What is known of the systems as they are now, a row each, by the headings of :mod:`sepmodels.results.costs`.

    What was measured of another model or on another machine is left out: such figures cannot stand side by side.
    """
    known = (name for name, one in systems.items() if _is_known(profile, paths, one, systems))
    return pd.DataFrame.from_dict({name: shown(_read(paths.cost(name))) for name in known}, orient="index")


def _is_known(profile: Profile, paths: Paths, system: System, systems: Systems) -> bool:
    return can_be_measured(profile, paths, system, systems) and is_measured(profile, paths, system, systems)


def _version(profile: Profile, paths: Paths, system: System, systems: Systems) -> str:
    """What was measured, and on which kind of machine."""
    machine = f"{processor_name()}, {usable_cores()} cores"
    if isinstance(system, Variant):
        return hash_texts([machine, hash_file(paths.model(system.name, profile.seeds[0]))])
    assert isinstance(system, Added)
    own = {"settings": result_settings(system), "version": dict(system.version())}
    parts = [_version(profile, paths, systems[name], systems) for name in system.needs]
    return hash_texts([machine, json.dumps(own, sort_keys=True, default=_name), *parts])


def _name(value: object) -> str:
    """Of a function that a field holds."""
    return getattr(value, "__qualname__", str(value))


@contextmanager
def _opened(profile: Profile, paths: Paths, system: System, systems: Systems) -> Iterator[Callable[[np.ndarray], Any]]:
    """What separates a mixture by the system."""
    models = models_of(profile, paths, systems)
    if isinstance(system, Variant):
        yield models(system.name)
        return
    assert isinstance(system, Added)
    with system.opened(Tracks(model=models)) as separate:
        yield lambda mixture: separate("song", mixture)


def _of_model(profile: Profile, paths: Paths, system: System) -> dict[str, float]:
    """What is known of a model that was trained here."""
    if not isinstance(system, Variant):
        return {}
    from sepmodels.models import sample_rate_of
    from sepmodels.models.model_file import load_model
    from sepmodels.separation.cost import multiply_adds

    file = paths.model(system.name, profile.seeds[0])
    model, _ = load_model(file, expect=system)
    return {
        "multiply_adds_per_second": multiply_adds(model, sample_rate_of(model)),
        "model_bytes": file.stat().st_size,
    }


def _of_published(system: System, separate: Callable[[np.ndarray], Any], song: np.ndarray) -> dict[str, float]:
    """What is known of a model that was trained elsewhere."""
    files = system.model_files if isinstance(system, Added) else ()
    if not files:
        return {}
    from sepmodels.separation.cost import multiply_adds_of

    return {
        "multiply_adds_per_second": multiply_adds_of(separate, song),
        "model_bytes": sum(file.stat().st_size for file in files),
    }


def _song(paths: Paths) -> np.ndarray:
    """Test tracks one after another, as long as a measurement wants: float32 ``(2, sample)``."""
    from sepmodels.audio import FULL_SCALE, SAMPLE_RATE_HZ
    from sepmodels.dataset.stem_cache import cached_names, load_stems
    from sepmodels.separation.cost import SONG_SECONDS

    folder, samples = paths.stems("test"), SONG_SECONDS * SAMPLE_RATE_HZ
    pieces: list[np.ndarray] = []
    for name in cached_names(folder) if folder.is_dir() else ():
        pieces.append(np.array(load_stems(folder, name)[0][:, :samples]))
        if sum(piece.shape[1] for piece in pieces) >= samples:
            break
    if not pieces:
        raise UserError(
            f"There are no test tracks in {folder} to measure with: run `sepbench run -p {paths.profile}` first."
        )
    joined = np.concatenate(pieces, axis=1)
    return np.resize(joined.T, (samples, 2)).T.astype(np.float32) / FULL_SCALE


def _read(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
