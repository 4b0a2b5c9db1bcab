"""The tests that `make quick` leaves out, since they take long: ``over_a_second.txt``, written from a run of all tests.

    PYTEST_ADDOPTS="--junitxml times.xml" make test; .venv/bin/python -m tests.over_a_second times.xml

A test counts once with all its parameters. One that is not in the list, such as a new one, is quick.
"""

import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

LIST = Path(__file__).with_suffix(".txt")
LONGEST_SECONDS, TOGETHER_SECONDS = 1.0, 4.0  # of one set of parameters; of all of a test's


def slow_tests() -> list[str]:
    """The tests of the list, as pytest names them, without parameters."""
    return LIST.read_text(encoding="utf-8").splitlines()


def too_slow(report: Path) -> list[str]:
    """The tests that take longer, by a report in JUnit's format."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for case in ElementTree.parse(report).iter("testcase"):
        seconds[_name(case.attrib["classname"], case.attrib["name"])].append(float(case.attrib["time"]))
    return sorted(
        name
        for name, every in seconds.items()
        if name.startswith("tests/") and (max(every) >= LONGEST_SECONDS or sum(every) >= TOGETHER_SECONDS)
    )


def _name(classname: str, name: str) -> str:
    """A test as pytest names it.

    >>> _name("tests.sepmodels.test_marks.TestUses", "test_all[a]")
    'tests/sepmodels/test_marks.py::TestUses::test_all'
    """
    parts = classname.split(".")
    module = [part for part in parts if not part.startswith("Test")]
    return "::".join(["/".join(module) + ".py", *parts[len(module) :], name.partition("[")[0]])


if __name__ == "__main__":
    LIST.write_text("".join(f"{name}\n" for name in too_slow(Path(sys.argv[1]))), encoding="utf-8")
