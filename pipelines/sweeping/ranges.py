"""The ranges of a sweep: which values a setting of a variant's entry may have."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

from pipelines.setting_values import read_as
from pipelines.sweeping.entries import LEARNING_RATE, PARTS, types_of
from sepmodels.errors import UserError, unknown_name
from sepmodels.settings import TrainingSettings
from sepmodels.systems.variants import RECIPE, Variant

DEFAULT = f"{LEARNING_RATE}=1e-4..1e-2:log"
HOW = "write NAME=LOW..HIGH, NAME=LOW..HIGH:log or NAME=VALUE,VALUE"


@dataclass(frozen=True)
class Range:
    """The values that one setting may have: all from ``low`` to ``high``, or ``choices``.

    name: as in the entry, with a dot: ``settings.heads``. text: as a person wrote it.
    low, high: both belong to it; None where there are choices. log: whether all orders of magnitude are equally likely.
    choices: values, each by its text, which is what the search sees.
    """

    name: str
    text: str
    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    choices: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that stand for all: every choice, or the lowest and the highest number."""
        return tuple(self.choices.values()) or (self.low, self.high)

    @property
    def size(self) -> float:
        """How many values there are; of numbers with a fraction infinitely many."""
        if self.choices:
            return len(self.choices)
        return self.high - self.low + 1 if isinstance(self.low, int) else math.inf

    def value(self, drawn: Any, *, own: bool = False) -> Any:
        """The value that the search has drawn, with four digits, so that it can be written down as it was tried.

        own: whether it is the entry's own, which has the digits that it has.

        >>> Range("learning_rate", "", 1e-4, 1e-2).value(0.00123456)
        0.001235
        """
        if self.choices:
            return self.choices[drawn]
        if own or isinstance(self.low, int):
            return drawn
        return min(max(float(f"{drawn:.4g}"), self.low), self.high)

    def drawn(self, value: Any) -> Any | None:
        """What the search would have drawn for this value; None where the range does not have it."""
        if self.choices:
            return next((text for text, one in self.choices.items() if one == value), None)
        return value if isinstance(value, int | float) and self.low <= value <= self.high else None


def read_ranges(texts: Iterable[str], variant: Variant) -> tuple[Range, ...]:
    """The ranges that a person wrote, in the order of their names; the learning rate's where they wrote none.

    Raises :class:`UserError` for what is no range, has less than two values, or is of nothing that the entry has.
    """
    found: dict[str, Range] = {}
    for text in tuple(texts) or (DEFAULT,):
        one = _read(text, variant)
        if one.name in found:
            raise UserError(f"There are two ranges of {one.name}: leave one of them out.")
        found[one.name] = one
    return tuple(found[name] for name in sorted(found))


def _read(text: str, variant: Variant) -> Range:
    name, equals, values = (part.strip() for part in text.partition("="))
    if not equals or not values:
        raise UserError(f"The range {text!r} has no values: {HOW}.")
    declared = _declared(variant, name, text)
    low, dots, rest = values.partition("..")
    if not dots:
        return _of_choices(name, text, declared, values)
    high, colon, scale = rest.partition(":")
    number = _without_none(declared)
    if number not in (int, float):
        raise UserError(f"The range {text!r} goes from one value to another, but {name} is no number: {HOW}.")
    if colon and scale.strip() != "log":
        raise UserError(f"The range {text!r} ends in {scale!r}: only :log may stand there.")
    ends = [read_as(number, name, end.strip()) for end in (low, high)]
    if not all(math.isfinite(end) for end in ends) or ends[0] >= ends[1]:
        raise UserError(f"The range {text!r} has no two values: the first number must be below the second.")
    if colon and ends[0] <= 0:
        raise UserError(f"The range {text!r} cannot be logarithmic from {low.strip()} on: begin above 0.")
    return Range(name, text, *ends, log=bool(colon))


def _of_choices(name: str, text: str, declared: Any, values: str) -> Range:
    """Of a setting that is several names, ``+`` stands between them."""
    texts = [one.strip() for one in values.split(",") if one.strip()]
    choices = {one: read_as(declared, name, one.replace("+", ",")) for one in texts}
    if len({repr(value) for value in choices.values()}) < 2:
        raise UserError(f"The range {text!r} has no two values: {HOW}.")
    return Range(name, text, choices=choices)


def _without_none(declared: Any) -> Any:
    """The type of what a setting is where it is not None.

    >>> _without_none(float | None), _without_none(tuple[int, ...])
    (<class 'float'>, tuple[int, ...])
    """
    others = [one for one in get_args(declared) if one is not type(None)]
    return others[0] if len(others) == 1 and type(None) in get_args(declared) else declared


def _declared(variant: Variant, name: str, text: str) -> Any:
    """The type of a setting, by its name in the entry; raises :class:`UserError` where there is no such setting."""
    part, dot, setting = name.partition(".")
    if name == LEARNING_RATE:
        return float
    if not dot or part not in PARTS:
        raise unknown_name("setting to sweep", name, (LEARNING_RATE, *(f"{one}.NAME" for one in PARTS)))
    if part == "training":
        if setting not in RECIPE:
            raise unknown_name("setting of a variant's training called", setting, RECIPE)
        return get_type_hints(TrainingSettings)[setting]
    types = types_of(variant, part)
    if not types:
        raise UserError(f"The loss {variant.loss!r} has no settings: {text!r} cannot be swept.")
    if setting not in types:
        what = f"architecture {variant.architecture!r}" if part == "settings" else f"loss {variant.loss!r}"
        raise unknown_name(f"setting of the {what} called", setting, types)
    return types[setting]
