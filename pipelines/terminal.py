"""What commands print, and to where: a terminal, a file or a pipe."""

import os
import re
import sys

from rich.console import Console
from rich.text import Text

# Those of a terminal (C0, DEL, C1), the separators that break a line, and those that turn the reading direction.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(name: object) -> str:
    """The name of a file, or whatever else others chose, as it may be printed: in one line that does nothing.

    >>> printable("a\\nb \\x1b[31mc :fire:")
    'a\\\\nb \\\\x1b[31mc :fire:'
    """
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), str(name))


class Terminal(Console):
    """A console that prints a name as it is: no emoji for ``:fire:``, and no control characters but line ends."""

    def __init__(self, **options) -> None:
        super().__init__(emoji=False, **options)

    def render_str(self, text: str, **options) -> Text:
        return super().render_str("\n".join(map(printable, text.split("\n"))), **options)


def output_is_lost() -> bool:
    """Whether standard output cannot be written to, which is tried by an empty line.

    If so, nothing more will be tried, not at the end of the program either.
    """
    try:
        print(flush=True)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return True
    return False
