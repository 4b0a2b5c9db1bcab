"""Settings one by one: the name, meaning and value of each, and a profile with one of them changed."""

import inspect
import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from functools import cache, reduce
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from assets.paths import whole_path
from sepmodels.dataset.other_test_sets import check_test_sets, separate_texts, with_place
from sepmodels.errors import UserError, unknown_name
from sepmodels.limits import check_limits, check_relations
from sepmodels.settings import DatasetSettings, Profile
from sepmodels.systems import SYSTEMS_ON_REQUEST
from sepmodels.systems.variants import find_variant

T = TypeVar("T")

FOLDER_SETTING = "dataset.folder"
TEST_SETS = "test_sets"
DEFAULT_WORD = "default"  # in place of a value: the profile's own
_NO_SETTINGS = ("name", "summary", "changed_settings", "dataset.use", "dataset.target")  # of a profile's fields

EXPECTED: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    tuple[int, ...]: "different whole numbers, such as 42,43",
    tuple[str, ...]: "different names with commas between them, or nothing",
}


@cache
def setting_names() -> tuple[str, ...]:
    """Every setting that can be changed, by its dotted name; those of a part of the settings stand together.

    >>> "training.batch" in setting_names()
    True
    """
    plain = Profile("", "", DatasetSettings("demo"))
    parts = [entry.name for entry in fields(plain) if is_dataclass(getattr(plain, entry.name))]
    loose = [entry.name for entry in fields(plain) if entry.name not in (*_NO_SETTINGS, *parts)]
    inner = (f"{part}.{entry.name}" for part in parts for entry in fields(getattr(plain, part)))
    return (*loose, *(name for name in inner if name not in _NO_SETTINGS))


def value_of(profile: Profile, name: str) -> Any:
    """The value of a setting, by its dotted name."""
    return reduce(getattr, name.split("."), profile)


def text_of(value: Any) -> str:
    """A setting's value as a person writes it after ``--set NAME=``.

    >>> text_of((42, 43)), text_of(None), text_of(True), text_of(3.0)
    ('42,43', 'none', 'true', '3.0')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def shown(value: Any) -> str:
    """A setting's value as tables and sentences show it: never empty.

    >>> shown(()), shown((42, 43)), shown(3.0)
    ('none', '42, 43', '3')
    """
    if isinstance(value, float):
        return f"{value:g}"
    return text_of(value).replace(",", ", ") or "none"


@cache
def meaning_of(name: str) -> str:
    """What a setting is, its unit, and what 0 and none stand for: from the docstring of its dataclass, without links.

    >>> meaning_of("report.tracks")
    'how many test tracks can be listened to; 0: none.'
    """
    *part, last = name.split(".")
    owner = get_type_hints(Profile)[part[0]] if part else Profile
    lines = re.search(rf"^{last}: (.+(?:\n +.+)*)", inspect.getdoc(owner) or "", re.MULTILINE)
    return re.sub(r" \(:\w+:`[^`]+`\)", "", " ".join(lines[1].split())) if lines else ""


def changes(profile: Profile, own: Profile) -> dict[str, str]:
    """The settings that are not as in the profile's own, as text, by name."""
    names = (name for name in setting_names() if value_of(profile, name) != value_of(own, name))
    return {name: text_of(value_of(profile, name)) for name in names}


def override(profile: Profile, name: str, text: str, own: Profile | None = None) -> Profile:
    """The profile with one setting, by its dotted name, read from text.

    own: the profile without changes, whose value "default" stands for; ``profile``, if not given.

    >>> from pipelines.profiles import PROFILES
    >>> override(PROFILES["demo"], "training.batch", "8").training.batch
    8

    Raises :class:`UserError` for an unknown setting, a text that is not of the setting's type, or a number that it
    cannot be.
    """
    if name not in setting_names():
        raise unknown_name("setting", name, setting_names(), "sepbench settings")
    if text.lower() == DEFAULT_WORD:
        return with_value(profile, name, value_of(own or profile, name))
    head, _, tail = name.partition(".")
    owner = type(getattr(profile, head)) if tail else Profile
    changed = with_value(profile, name, _read(owner, tail or head, name, text))
    check_limits(changed)
    return changed


def with_value(profile: Profile, name: str, value: Any) -> Profile:
    """The profile with that value of a setting."""
    head, _, tail = name.partition(".")
    return replace(profile, **{head: replace(getattr(profile, head), **{tail: value}) if tail else value})


def check_together(profile: Profile) -> None:
    """Raise :class:`UserError` for settings that cannot be together, and for variants that do not exist."""
    for name in profile.extra_variants:
        find_variant(name)
    for name in profile.extra_systems:
        if name not in SYSTEMS_ON_REQUEST:
            raise unknown_name("system on request", name, SYSTEMS_ON_REQUEST, "sepbench variants")
    check_relations(profile)
    check_test_sets(profile.test_sets, profile.name)
    if profile.measures:
        from sepmodels.scoring.measures import require_measures

        require_measures(profile.measures, profile.target)


def _different(values: Iterable[T]) -> tuple[T, ...]:
    found = tuple(values)
    if len(set(found)) < len(found):
        raise ValueError("a value is there twice")
    return found


def _read(owner: type, name: str, key: str, text: str) -> Any:
    """A value of the type that the dataclass declares for the field."""
    return read_as(get_type_hints(owner)[name], key, text)


def read_as(declared: Any, key: str, text: str) -> Any:
    """A setting's value from text.

    declared: its type, as an annotation. key: its name, for the sentence.

    >>> read_as(int | None, "training.steps", "none"), read_as(float, "training.ema_decay", "0.99")
    (None, 0.99)

    Raises :class:`UserError` for a text that is not of that type.
    """
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
        if base == tuple[str, ...] and text.lower() == "none":
            return ()
        if key == TEST_SETS:
            return tuple(with_place(part, Path.cwd()) for part in separate_texts(text))
        if base == tuple[str, ...]:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        if base == tuple[int, ...]:
            return _different(int(part) for part in text.split(","))
        if text in get_args(base):
            return text
    except (KeyError, ValueError):
        pass
    expected = EXPECTED.get(base) or " or ".join(map(str, get_args(base)))
    raise UserError(f"The setting {key} cannot be {text!r}: expected {expected}.")
