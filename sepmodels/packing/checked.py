"""What a check came to: one line."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from sepmodels.errors import UserError

State = Literal["ok", "failed", "not checked"]


@dataclass(frozen=True)
class Checked:
    """One line of a verification.

    what: a sentence that a check is on. state: whether it holds; "not checked" where that cannot be said here.
    why: how it was checked, the first thing that does not follow, or what a check would need.
    """

    what: str
    state: State
    why: str


class NotFollowingError(UserError):
    """Something of a pack does not follow from the rest of it."""


class NotCheckedError(UserError):
    """A check cannot be made here; the message says what it needs."""


# Gives how it was checked; raises one of those two, or an error where a part of the pack cannot be read.
Check = Callable[[], str]
# What odd content of a foreign table or JSON file makes pandas, numpy and Python raise.
_ODD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError, pa.ArrowException)


def checked(checks: Iterable[tuple[str, Check]]) -> Iterator[Checked]:
    """Make the checks one by one, and give a line for each."""
    for what, check in checks:
        yield _checked(what, check)


def _checked(what: str, check: Check) -> Checked:
    try:
        return Checked(what, "ok", check())
    except NotCheckedError as fault:
        return Checked(what, "not checked", str(fault))
    except UserError as fault:
        return Checked(what, "failed", str(fault))
    except _ODD as fault:
        return Checked(what, "failed", f"a part that it needs is not as expected ({type(fault).__name__}: {fault})")
