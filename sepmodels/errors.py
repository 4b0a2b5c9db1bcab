"""Errors that a person can act on."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A fault that the user can mend.

    Its message is what the user sees, without a traceback: it names the file or value, says what was
    expected, and what to do.
    """


def unknown_name(kind: str, name: str, choices: Iterable[str]) -> UserError:
    """The error for a name that is not one of ``choices``, with the nearest one suggested.

    >>> str(unknown_name("variant", "transfomer", ["open_unmix", "transformer"]))
    "There is no variant 'transfomer': did you mean 'transformer'? Known: open_unmix, transformer."
    """
    known = list(choices)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return UserError(f"There is no {kind} {name!r}: {hint}Known: {', '.join(known)}.")
