"""A variant's entry: what its settings are, the entry with other values, and its text to paste."""

import importlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from typing import Any, get_type_hints

from sepmodels.audio import TARGETS
from sepmodels.settings import TrainingSettings
from sepmodels.systems import aimed
from sepmodels.systems.outside_variants import OUTSIDE
from sepmodels.systems.variants import Variant, own_training

LEARNING_RATE = "learning_rate"
PARTS = ("settings", "loss_settings", "training")  # of an entry, that have settings of their own


def own_value(variant: Variant, shared: TrainingSettings, name: str) -> Any:
    """The value of a setting as the entry is, whether it says so or leaves it; None where there is none.

    shared: the profile's settings of a training.
    """
    part, _, setting = name.partition(".")
    if not setting:
        return variant.learning_rate
    if part == "training":
        return getattr(own_training(variant, shared), setting)
    own = _settings(variant, part)
    return own[setting] if setting in own else _defaults(variant, part).get(setting)


def with_values(variant: Variant, values: Mapping[str, Any]) -> Variant:
    """The variant with these values of settings, by their names in the entry.

    >>> from sepmodels.systems.variants import VARIANTS
    >>> with_values(VARIANTS["transformer"], {"learning_rate": 0.002, "settings.heads": 4}).settings
    {'heads': 4}
    """
    for name, value in values.items():
        part, _, setting = name.partition(".")
        if not setting:
            variant = replace(variant, learning_rate=value)
        elif part == "settings" and variant.architecture == OUTSIDE:
            inner = {**_settings(variant, part), setting: value}
            variant = replace(variant, settings={**variant.settings, "settings": inner})
        else:
            variant = replace(variant, **{part: {**(getattr(variant, part) or {}), setting: value}})
    return variant


def entry_text(variant: Variant) -> str:
    """The entry as it stands in a list of variants: Python, without what is as it would be anyway, and no target."""
    variant = shown = aimed(variant, TARGETS[0])  # the profile's own, which no entry has
    if variant.architecture == OUTSIDE:
        module = str(variant.settings["module"])
        shown = replace(variant, architecture=module, settings=_settings(variant, "settings"))
    lines = ["Variant("]
    for field in fields(Variant):
        value = getattr(shown, field.name)
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if value != default:
            lines.append(f"    {field.name}={_literal(value)},")
    return "\n".join([*lines, ")"])


def types_of(variant: Variant, part: str) -> dict[str, Any]:
    """The types of the settings of the variant's architecture ("settings") or loss ("loss_settings"), by name."""
    if part == "settings":
        return get_type_hints(_config(variant))
    loss = _loss(variant)
    hints = get_type_hints(loss)
    return {name: hints[name] for name in [*inspect.signature(loss).parameters][2:] if name in hints}


def _defaults(variant: Variant, part: str) -> dict[str, Any]:
    if part == "settings":
        return {one.name: one.default for one in fields(_config(variant))}
    found = inspect.signature(_loss(variant)).parameters.items()
    return {name: one.default for name, one in found if one.default is not inspect.Parameter.empty}


def _settings(variant: Variant, part: str) -> Mapping[str, Any]:
    own = getattr(variant, part) or {}
    return own["settings"] if part == "settings" and variant.architecture == OUTSIDE else own


def _config(variant: Variant) -> Any:
    """The class of the architecture's settings."""
    named = variant.settings["module"] if variant.architecture == OUTSIDE else None
    return importlib.import_module(named or f"sepmodels.models.architectures.{variant.architecture}").Config


def _loss(variant: Variant) -> Any:
    from sepmodels.training.losses import LOSSES

    return LOSSES[variant.loss]


def _literal(value: Any) -> str:
    """A value as Python's source, with the double quotes that the list of variants has."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(name)}: {_literal(one)}" for name, one in value.items()) + "}"
    if isinstance(value, tuple):
        inside = ", ".join(map(_literal, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(value)
