"""Accepting a stale product as today's: what is refused, what is checked before, and what is recorded."""

from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from assets.accepting.tracing import traced, what_ran
from assets.runtime.failures import OneSentence
from assets.staleness.acceptance import (
    Acceptance,
    Why,
    as_metadata,
    changed_code,
    needs_check,
    person,
    time_now,
    unacceptable,
)
from assets.staleness.code.version import CodeVersion, explain
from assets.staleness.last_made import NEVER, PARTS, LastMade
from assets.staleness.standing import Subject, asset_name, carried_over
from assets.step import SEEDS
from sepmodels.errors import UserError

AUTOMATIC_SECONDS = 60.0  # a check that takes less is made unasked
CHECKED = "the check found no difference"  # a reason, where nobody gave another
NOT_CHECKED = "Not checked."


@dataclass(frozen=True)
class PartCheck:
    """Makes a part of a product again, and compares it with what was recorded.

    seconds: how long that takes, roughly; None where it cannot be done, or is not known.
    make: gives what was equal ("20 steps"); raises UserError for the first figure that differs, and where nothing was
        recorded that could be compared.
    """

    seconds: float | None
    make: Callable[[], str]


def accept(subject: Subject, last: LastMade, others: list[str], why: Why, check: PartCheck) -> dg.MaterializeResult:
    """The last product, recorded under today's code.

    others: the reasons, beside its code version, why it does not stand.

    Raises :class:`dagster.Failure` where anything but code has changed (versions of libraries can be checked), where
    the check finds a difference, and where neither a check nor a reason speaks for it.
    """
    name, before, now = asset_name(subject.key), last.noted(PARTS), subject.version.parts
    if last is NEVER:
        raise OneSentence(f"{name} cannot be accepted: it has never been made. `sepbench run` makes it.")
    if refused := others or unacceptable(before, now, checked=True):
        raise OneSentence(
            f"{name} cannot be accepted: {refused[0]}. Only a change of code can be; `sepbench run` makes it again."
        )
    evidence = _checked(name, last, subject, check) if _wants_check(why, check) else NOT_CHECKED
    if evidence == NOT_CHECKED and needs_check(before, now):
        raise OneSentence(
            f"{name} cannot be accepted without a check: {unacceptable(before, now, checked=False)[0]}. Say --check."
        )
    if evidence == NOT_CHECKED and not why.because.strip():
        raise OneSentence(f"{name} is not accepted: say --check to have it checked, or --because and the reason.")
    acceptance = Acceptance(
        because=why.because.strip() or CHECKED,
        by=person(),
        when=time_now(),
        changes=tuple(explain(before, now)),
        evidence=evidence,
        before=CodeVersion(before).without(SEEDS).digest,
        after=subject.seedless,
    )
    result = carried_over(subject, last)
    metadata = {**(result.metadata or {}), **as_metadata([*last.acceptances, acceptance])}
    return dg.MaterializeResult(data_version=result.data_version, metadata=metadata)


def _wants_check(why: Why, check: PartCheck) -> bool:
    if why.check not in ("auto", "always", "never"):
        raise OneSentence(f"The check is {why.check!r} where auto, always or never is expected.")
    if why.check == "auto":
        return check.seconds is not None and check.seconds < AUTOMATIC_SECONDS
    return why.check == "always"


def _checked(name: str, last: LastMade, subject: Subject, check: PartCheck) -> str:
    """What a check found, in words, and which of the changed functions ran in it."""
    try:
        with traced(beside=subject.beside) as ran:
            equal = check.make()
    except UserError as fault:
        raise OneSentence(f"{name} is not accepted: {fault}") from None
    tracks = what_ran(changed_code(last.noted(PARTS), subject.version.parts), ran)
    return f"Equal over {equal}{'; ' if tracks else ''}{tracks}."
