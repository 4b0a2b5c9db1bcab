"""`make quick` leaves out the tests of a list, which names tests that are there."""

import re
from pathlib import Path

from tests.conftest import PROJECT
from tests.over_a_second import slow_tests, too_slow

REPORT = """<testsuites><testsuite>
<testcase classname="tests.whole.test_quick" name="test_a[1]" time="2.5"/>
<testcase classname="tests.whole.test_quick" name="test_a[2]" time="0.1"/>
<testcase classname="tests.whole.test_quick.TestMany" name="test_b[1]" time="0.9"/>
<testcase classname="tests.whole.test_quick" name="test_c" time="0.9"/>
<testcase classname="sepmodels.marks" name="sepmodels.marks.speed_only" time="9"/>
</testsuite></testsuites>"""


def test_every_test_of_the_list_is_there_and_the_list_is_sorted() -> None:
    listed = slow_tests()
    assert listed == sorted(set(listed))
    for one in listed:
        file, *_, name = one.split("::")
        assert re.search(rf"def {name}\(", (PROJECT / file).read_text(encoding="utf-8")), one


def test_a_test_is_slow_by_one_set_of_parameters_or_by_all_together(tmp_path: Path) -> None:
    report = tmp_path / "times.xml"
    report.write_text(REPORT, encoding="utf-8")
    assert too_slow(report) == ["tests/whole/test_quick.py::test_a"]
    many = "\n".join(REPORT.splitlines()[3:4] * 5)
    report.write_text(REPORT.replace(REPORT.splitlines()[3], many), encoding="utf-8")
    assert "tests/whole/test_quick.py::TestMany::test_b" in too_slow(report)
