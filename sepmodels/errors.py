"""Errors that a person can act on."""

import difflib
from collections.abc import Iterable

from sepmodels.marks import words_only


class UserError(Exception):
    """A fault that the user can mend.

    Its message is what the user sees, without a traceback: it names the file or value, says what was
    expected, and what to do.
    """


MOST_NAMES = 12  # that a sentence lists


@words_only
def unknown_name(kind: str, name: str, choices: Iterable[str], listing: str = "") -> UserError:
    """The error for a name that is not one of ``choices``, with the nearest one suggested.

    listing: the command that lists them, where they may be too many for a sentence.

    >>> str(unknown_name("variant", "transfomer", ["open_unmix", "transformer"]))
    "There is no variant 'transfomer': did you mean 'transformer'? Known: open_unmix, transformer."
    >>> str(unknown_name("variant", "l1", ["open_unmix", "l1_loss"]))
    "There is no variant 'l1': did you mean 'l1_loss'? Known: open_unmix, l1_loss."
    >>> str(unknown_name("variant", "x", [f"a{number}" for number in range(40)], "sepbench variants"))
    "There is no variant 'x'. `sepbench variants` lists what there is."
    >>> str(unknown_name("variant in mine.py called", "x", []))
    "There is no variant in mine.py called 'x', nor any other."
    """
    known = list(choices)
    if not known:
        return UserError(f"There is no {kind} {name!r}, nor any other.")
    near = _nearest(name, known)
    hint = f": did you mean {near!r}?" if near else "."
    if listing and len(known) > MOST_NAMES:
        return UserError(f"There is no {kind} {name!r}{hint} `{listing}` lists what there is.")
    return UserError(f"There is no {kind} {name!r}{hint} Known: {', '.join(known)}.")


def _nearest(name: str, known: list[str]) -> str | None:
    """The shortest that begins with the name; else the one that is written much alike, or has the name in it."""
    if not name:
        return None
    small = name.lower()
    begin = [choice for choice in known if choice.lower().startswith(small)]
    alike = difflib.get_close_matches(name, known, n=1)
    within = [choice for choice in known if small in choice.lower()]
    return min(begin or alike or within, key=len, default=None)
