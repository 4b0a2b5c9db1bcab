"""What the table said before."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from sepmodels.results.before import BEFORE, TABLE, TERMS, keep_before, sdr_before, terms_of, was


def table(**sdrs: float) -> pd.DataFrame:
    return pd.DataFrame([{"variant": name, "target": "vocals", "SDR": sdr} for name, sdr in sdrs.items()])


def terms(
    seeds: Sequence[int] = (42,), tracks: Sequence[str] = ("song",), budget: str = "200 steps", names: str = "ab"
) -> pd.DataFrame:
    rows = [{"variant": name, "seed": seed, "track": track} for name in names for seed in seeds for track in tracks]
    return terms_of(pd.DataFrame(rows), budget)


@pytest.fixture
def made(tmp_path: Path):
    """Makes the tables one after another, and gives what was before the last one."""

    def make(*tables: pd.DataFrame, last: pd.DataFrame | None = None) -> dict[tuple[str, str], float]:
        on = [terms()] * (len(tables) - 1) + [terms() if last is None else last]
        for one, on_terms in zip(tables, on, strict=True):
            keep_before(tmp_path, one, on_terms)
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


@pytest.mark.parametrize(
    "last",
    [terms(seeds=(43,)), terms(seeds=(42, 43)), terms(tracks=("other",)), terms(budget="400 steps")],
    ids=["other seeds", "more seeds", "other tracks", "another budget"],
)
def test_a_row_on_other_terms_is_not_compared_with_what_it_was(made, last: pd.DataFrame) -> None:
    assert made(table(a=1.0), table(a=2.0), last=last) == {}


def test_a_row_on_the_same_terms_is_compared_whatever_those_of_others(made) -> None:
    last = pd.concat([terms(names="a"), terms(seeds=(43,), names="b")])
    assert made(table(a=1.0, b=1.0), table(a=2.0, b=2.0), last=last) == {("a", "vocals"): 1.0}


def test_with_a_table_whose_terms_nobody_kept_nothing_is_compared(made, tmp_path: Path) -> None:
    made(table(a=1.0))
    (tmp_path / TERMS).unlink()
    assert made(table(a=2.0)) == {}
    pd.DataFrame(table(a=1.0)).to_parquet(tmp_path / BEFORE)
    assert sdr_before(tmp_path) == {}
