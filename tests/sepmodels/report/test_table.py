"""What the table of the report says of its columns."""

import re

from sepmodels.report.table import COMPUTED_BY_AUTHORS, MEANINGS, WITH_EARS
from tests.conftest import PROJECT


def test_what_the_help_says_of_measures_and_listeners_is_what_the_page_on_it_says() -> None:
    rows = re.findall(r"^\| (\S+)( \*)? \| (-?[\d.]+ \[.*?\]) \| \d+% \| (-?[\d.]+ \[.*?\])", page(), re.MULTILINE)
    known = {}
    for name, star, interference, quality in rows:  # our own value goes before the authors'
        if not star or name in COMPUTED_BY_AUTHORS:
            known[name] = (interference, quality)
    assert set(WITH_EARS) == set(MEANINGS)
    assert {name: known[name] for name in WITH_EARS} == WITH_EARS


def page() -> str:
    return (PROJECT / "docs" / "ears.md").read_text(encoding="utf-8")
