"""What a step's product depends on: its code version, and the products that it reads."""

from dataclasses import is_dataclass
from typing import Any

import dagster as dg

from assets.other_test_sets import scope
from assets.paths import Paths
from assets.staleness.code.version import CodeVersion, code_version
from assets.staleness.products import products
from assets.staleness.standing import Subject
from assets.step import Step
from sepmodels.settings import Profile, result_settings


def subject_of(step: Step, profile: Profile, paths: Paths) -> Subject:
    """The step's asset: its key, the keys that it reads, and its code version."""
    needs = tuple(dg.AssetKey([profile.name, *needed]) for needed in step.needs)
    return Subject(
        dg.AssetKey([profile.name, *step.path]),
        needs,
        step_version(step, profile, paths),
        tuple(products(step, profile, paths)),
        paths.begun(step.path),
        beside=step.beside,
        tells=step.path in (("results",), ("report",)),
    )


def step_version(step: Step, profile: Profile, paths: Paths) -> CodeVersion:
    """What the step reaches in the code, its settings, the libraries that matter, and the files that it is given."""
    profile, paths = scope(step, profile, paths)
    return code_version(
        f"{step.make.__module__}:{step.make.__qualname__}",
        extra_roots=step.reaches,
        configuration=step_settings(step),
        libraries=step.libraries,
        files=step.files(profile, paths) if step.files else None,
        beside=step.beside,
    )


def step_settings(step: Step) -> dict[str, Any]:
    """The step's settings that bear on its product, under dotted names.

    Names and values as they stand in the tracked run's parameters.
    """
    flat: dict[str, Any] = {}
    for name, value in step.settings.items():
        _flatten(name, result_settings(value) if is_dataclass(value) else value, flat)
    return flat


def _flatten(name: str, value: Any, into: dict[str, Any]) -> None:
    if hasattr(value, "items"):
        for key, inner in value.items():
            _flatten(f"{name}.{key}", inner, into)
    else:
        into[name] = list(value) if isinstance(value, tuple) else value
