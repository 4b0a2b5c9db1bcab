"""What the table said before."""

from pathlib import Path

import pandas as pd
import pytest

from sepmodels.results.before import TABLE, keep_before, sdr_before, was


def table(**sdrs: float) -> pd.DataFrame:
    return pd.DataFrame([{"variant": name, "target": "vocals", "SDR": sdr} for name, sdr in sdrs.items()])


@pytest.fixture
def made(tmp_path: Path):
    """Makes the tables one after another, and gives what was before the last one."""

    def make(*tables: pd.DataFrame) -> dict[tuple[str, str], float]:
        for one in tables:
            keep_before(tmp_path, one)
            one.to_parquet(tmp_path / TABLE)
        return sdr_before(tmp_path)

    return make


def test_nothing_was_before_the_first_table(made) -> None:
    assert made(table(a=1.0)) == {}


def test_a_table_that_says_the_same_again_does_not_hide_what_was_before(made) -> None:
    assert made(table(a=1.0), table(a=2.0), table(a=2.0)) == {("a", "vocals"): 1.0}


def test_a_new_row_is_a_change_and_each_row_was_what_the_last_table_said(made) -> None:
    before = made(table(a=1.0), table(a=1.5), table(a=1.5, b=3.0))
    assert before == {("a", "vocals"): 1.5}
    rows = table(a=1.5, b=3.0).to_dict("records")
    assert [was(row, before) for row in rows] == ["", ""]
    assert was({"variant": "a", "target": "vocals", "SDR": 1.64}, before) == "1.50"


def test_a_row_without_a_score_does_not_count_as_changed_for_ever(made) -> None:
    assert made(table(a=float("nan")), table(a=float("nan"))) == {}
