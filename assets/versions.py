"""The code version of a step: what its product depends on beside the products that it reads."""

from dataclasses import is_dataclass
from typing import Any

from assets.code_version import NO_PART_OF_A_RESULT, CodeVersion, code_version
from assets.steps import Step
from sepmodels.settings import result_settings


def step_version(step: Step) -> CodeVersion:
    """Hash the code that the step reaches, its settings and the versions of the libraries that matter."""
    return code_version(
        f"{step.make.__module__}:{step.make.__qualname__}",
        extra_roots=step.reaches,
        configuration=step_settings(step),
        libraries=step.libraries,
        ignore=(*NO_PART_OF_A_RESULT, "sepmodels.losses:LOSSES"),
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
