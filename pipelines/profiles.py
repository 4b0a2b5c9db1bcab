"""The profiles: which benchmark to run. Chosen by ``SEPBENCH_PROFILE`` or ``--profile``; settings can be overridden."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_args, get_type_hints

from assets.paths import whole_path
from assets.runtime.gpus import auto_precision
from sepmodels.errors import UserError, unknown_name
from sepmodels.limits import check_limits, check_relations
from sepmodels.settings import DatasetSettings, Profile, TrainingSettings
from sepmodels.systems.variants import find_variant

DEFAULT = "demo"
T = TypeVar("T")

_FOR_CLAIMS = ("time_domain_22khz",)
_SHORT = TrainingSettings(batch=4, chunk_seconds=3.0, threads=1)

_ALL = (
    Profile(
        name="demo",
        summary="Fourteen short songs made here, offline: the whole benchmark in minutes on a laptop.",
        dataset=DatasetSettings("demo", validation_share=0.25),
        training=replace(_SHORT, chunks_per_track=20, steps=200),
    ),
    Profile(
        name="musdb18-7s",
        summary="The public preview of MUSDB18: 144 clips of seven seconds of real music.",
        dataset=DatasetSettings("stems", archive="musdb18-7s"),
        training=replace(_SHORT, chunks_per_track=4, steps=2000),
        extra_variants=_FOR_CLAIMS,
    ),
    Profile(
        name="musdb18",
        summary="MUSDB18 in full: 150 songs, ten hours, as compressed five-stream files. Wants a GPU.",
        dataset=DatasetSettings("stems", archive="musdb18"),
        extra_variants=_FOR_CLAIMS,
    ),
    Profile(
        name="musdb18hq",
        summary="MUSDB18-HQ: the same 150 songs as uncompressed WAV files. Wants a GPU.",
        dataset=DatasetSettings("wav", archive="musdb18hq"),
        extra_variants=_FOR_CLAIMS,
    ),
    Profile(
        name="folder",
        summary="Your own stems: a folder per track with vocals and any other stems.",
        dataset=DatasetSettings("folder"),
        training=replace(_SHORT, chunks_per_track=20, steps=2000),
    ),
)
PROFILES: dict[str, Profile] = {profile.name: profile for profile in _ALL}

PROFILE_VARIABLE = "SEPBENCH_PROFILE"
DATASET_VARIABLE = "SEPBENCH_DATASET"
OVERRIDES_VARIABLE = "SEPBENCH_OVERRIDES"
FOLDER_SETTING = "dataset.folder"

EXPECTED: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    tuple[int, ...]: "different whole numbers, such as 42,43",
    tuple[str, ...]: "different names with commas between them, or nothing",
}


def chosen_profile(environment: Mapping[str, str] = os.environ) -> Profile:
    """The profile that the environment names, with its overrides, and a precision that is none but its own.

    Raises :class:`UserError` for an unknown one, and for settings that cannot be, each or together.
    """
    name = environment.get(PROFILE_VARIABLE) or DEFAULT
    if name not in PROFILES:
        raise unknown_name("profile", name, PROFILES)
    profile = PROFILES[name]
    if folder := environment.get(DATASET_VARIABLE, "").strip():
        profile = override(profile, FOLDER_SETTING, folder)
    for key, text in json.loads(environment.get(OVERRIDES_VARIABLE) or "{}").items():
        profile = override(profile, key, text)
    for name in profile.extra_variants:
        find_variant(name)
    check_relations(profile)
    return with_precision(profile)


def with_precision(profile: Profile) -> Profile:
    """The profile with the precision that trainings have here, where it says "auto".

    So that it counts in what a training is made from: float32 on a CPU and bfloat16 on a GPU are two trainings, and
    "auto" on a CPU is what "32" is.
    """
    if profile.training.precision != "auto":
        return profile
    return replace(profile, training=replace(profile.training, precision=auto_precision(profile.device)))


def setting_names(settings: Any = PROFILES[DEFAULT], prefix: str = "") -> list[str]:
    """Every setting that can be overridden, by its dotted name.

    >>> "training.batch" in setting_names()
    True
    """
    names = []
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if is_dataclass(value):
            names += setting_names(value, f"{prefix}{entry.name}.")
        elif entry.name not in ("name", "summary"):
            names.append(prefix + entry.name)
    return names


def override(profile: Profile, key: str, text: str) -> Profile:
    """The profile with one setting, by its dotted name, read from text.

    >>> override(PROFILES["demo"], "training.batch", "8").training.batch
    8

    Raises :class:`UserError` for an unknown setting, a text that is not of the setting's type, or a number that it
    cannot be.
    """
    if key not in setting_names():
        raise unknown_name("setting", key, setting_names())
    head, _, tail = key.partition(".")
    if tail:
        part = getattr(profile, head)
        changed = replace(profile, **{head: replace(part, **{tail: _read(type(part), tail, key, text)})})
    else:
        changed = replace(profile, **{head: _read(Profile, head, key, text)})
    check_limits(changed)
    return changed


def _different(values: Iterable[T]) -> tuple[T, ...]:
    found = tuple(values)
    if len(set(found)) < len(found):
        raise ValueError("a value is there twice")
    return found


def _read(owner: type, name: str, key: str, text: str) -> Any:
    """A value of the type that the dataclass declares for the field."""
    declared = get_type_hints(owner)[name]
    choices = get_args(declared)
    optional = type(None) in choices
    if optional and text.lower() in ("none", ""):
        return None
    base = next((c for c in choices if c is not type(None)), declared) if optional else declared
    try:
        if base is bool:
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        if key == FOLDER_SETTING:
            return str(whole_path(text))
        if base in (int, float, str):
            return base(text)
        if base == tuple[str, ...]:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        if base == tuple[int, ...]:
            return _different(int(part) for part in text.split(","))
        if base == tuple[str, ...]:
            return _different(part.strip() for part in text.split(",") if part.strip())
        if text in get_args(base):
            return text
    except (KeyError, ValueError):
        pass
    expected = EXPECTED.get(base) or " or ".join(map(str, get_args(base)))
    raise UserError(f"The setting {key} cannot be {text!r}: expected {expected}.")
