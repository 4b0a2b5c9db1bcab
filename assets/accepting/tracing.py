"""Which of the project's functions run within a block."""

import sys
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

from assets.paths import PROJECT
from assets.staleness.code.parts import outside_root

MOST_NAMES = 8  # that a sentence lists one by one


@contextmanager
def traced(root: Path = PROJECT, beside: Path | None = None) -> Iterator[set[str]]:
    """Gives a set that holds, once the block has ended, what of the project ran in it: ``file.py::Class.method``.

    beside: a person's own modules, which count as the project's do, as for a code version.

    In this process, in all threads that begin within the block. A function inside another counts as that one.
    """
    ran: set[str] = set()
    codes: set[CodeType] = set()

    def note(frame: FrameType, event: str, _value: object) -> None:
        if event == "call":
            codes.add(frame.f_code)

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield ran
    finally:
        sys.setprofile(before)
        threading.setprofile(before)
        folders = [root] if beside is None else [root, outside_root(beside)[0]]
        ran.update(filter(None, (_part(code, folder) for code in codes for folder in folders)))


def _part(code: CodeType, root: Path) -> str:
    """The name of a function's part of a code version; empty outside that folder."""
    path = Path(code.co_filename)
    if not path.is_relative_to(root):
        return ""
    return f"{path.relative_to(root).as_posix()}::{code.co_qualname.partition('.<locals>')[0]}"


def what_ran(changed: Collection[str], ran: Collection[str]) -> str:
    """Which of the changed parts ran, and which did not, in words; empty where no code changed.

    >>> what_ran(["a.py::mix", "a.py::Learner.step", "b.py::_less"], ["a.py::mix", "a.py::Learner.step"])
    'ran: `Learner.step`, `mix`; did not run: `_less`'
    """
    groups = {
        "ran": [part for part in sorted(changed) if part in ran],
        "did not run": [part for part in sorted(changed) if part not in ran],
    }
    return "; ".join(f"{words}: {_listed(parts)}" for words, parts in groups.items() if parts)


def _listed(parts: Sequence[str]) -> str:
    """The names of parts; where there are many, how many of each file.

    >>> _listed([f"a.py::f{number}" for number in range(9)])
    '9 parts of a.py'
    """
    if len(parts) <= MOST_NAMES:
        return ", ".join(f"`{part.rpartition('::')[2]}`" for part in parts)
    files = Counter(part.partition("::")[0] for part in parts)
    return ", ".join(f"{count} part{'s' if count > 1 else ''} of {path}" for path, count in files.items())
