"""Marks for what has no part in a result: it stands beside the thing itself, and staleness goes by it.

Whatever a product's code reaches counts as a part of how it was made, so that an edit of it makes the product stale
(:mod:`assets.staleness.code.version`). Whoever marks something says that no number of any product depends on it. A
test looks at each place where a marked thing is used. At run time the marks do nothing.
"""

from collections.abc import Callable
from dataclasses import field
from typing import Annotated, Any, TypeAlias, TypeVar, overload

Value = TypeVar("Value")
Definition = TypeVar("Definition", bound=Callable[..., Any])

# The type of a constant that decides time or memory alone: ``SHOW_EVERY_SECONDS: SpeedOnly[float] = 0.5``.
SpeedOnly: TypeAlias = Annotated[Value, "speed only"]


@overload
def speed_only(thing: Definition) -> Definition: ...
@overload
def speed_only(thing: Any) -> Any: ...
def speed_only(thing: Any) -> Any:
    """A function, method or class that decides time or memory alone; or the default of such a field of a dataclass.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Settings:
    ...     workers: int = speed_only(0)
    >>> Settings().workers
    0
    """
    return thing if callable(thing) else field(default=thing, metadata={"speed_only": True})


def words_only(thing: Value) -> Value:
    """A function whose arguments and result are only shown to people; or such a value, just as it is.

    >>> words_only(f"{2} tracks")
    '2 tracks'
    """
    return thing


def no_part_of_a_result(why: str) -> Callable[[Definition], Definition]:  # noqa: ARG001
    """A function or class that decides how the work goes, not what it gives: how a run is stopped, say.

    why: that, in words.
    """
    return lambda definition: definition


def neutral(default: Any, *, as_before: Any = ...) -> Any:
    """A field of a dataclass of settings that was added later.

    While it has the value ``as_before`` (``default``, if not given), all is as before the field existed, and the
    products from then stand. That value is a fact of history: to change the default later, keep it and give it by name,
    as in ``neutral("adamw", as_before="adam")``.
    """
    before = default if as_before is ... else as_before
    return field(default=default, metadata={"as_before": before})
