"""Several test sets side by side."""

import pandas as pd
import pytest

from sepmodels.results.across import HEADING, across_markdown, joined, own_part, side_by_side, wide_rows
from sepmodels.results.results import Results
from sepmodels.results.table import make_results
from tests.sepmodels.results.test_table import made_scores, some_system

HERE = {"mixture": -8.0, "open_unmix": 0.0, "l1_loss": 0.5, "transformer": 0.4}
THERE = {"mixture": -2.0, "open_unmix": 0.0, "l1_loss": 0.5, "transformer": -0.4}


def summed_up(gains: dict[str, float], seeds: tuple[int, ...] = (42, 43, 44)) -> Results:
    return make_results(made_scores(gains, seeds=seeds), [some_system(name, name) for name in gains])


@pytest.fixture(scope="module")
def across() -> pd.DataFrame:
    return side_by_side({"own": summed_up(HERE), "songs": summed_up(THERE)})


def rows(across: pd.DataFrame) -> dict[str, dict]:
    return {row["variant"]: row for row in wide_rows(across)}


def test_a_change_that_the_test_finds_on_each_set_holds_and_one_that_turns_round_is_said_to(
    across: pd.DataFrame,
) -> None:
    found = rows(across)
    assert found["l1_loss"]["holds"] == "better on each"
    assert found["transformer"]["holds"] == "better on own; worse on songs"
    assert found["open_unmix"]["holds"] == found["mixture"]["holds"] == ""


def test_nothing_is_pooled_each_set_has_the_figures_of_its_own_table(across: pd.DataFrame) -> None:
    for name, gains in (("own", HERE), ("songs", THERE)):
        alone = summed_up(gains)
        own = across[across.dataset == name].set_index("variant")
        summary = alone.summary[alone.summary.target == "vocals"].set_index("variant")
        assert (own.SDR == summary.SDR).all()
        compared = alone.comparisons[(alone.comparisons.target == "vocals") & (alone.comparisons.metric == "SDR")]
        assert (own.difference.dropna() == compared.set_index("variant").difference).all()
        assert own.above_floor["mixture"] == 0


def test_without_a_second_training_there_is_no_test_on_any_set() -> None:
    single = side_by_side({"own": summed_up(HERE, (42,)), "songs": summed_up(THERE, (42,))})
    assert rows(single)["l1_loss"]["holds"] == "no test on any"


def test_a_system_that_is_not_there_on_a_set_is_said_not_to_be_given() -> None:
    less = {name: gain for name, gain in THERE.items() if name != "l1_loss"}
    found = rows(side_by_side({"own": summed_up(HERE), "songs": summed_up(less)}))["l1_loss"]
    assert found["sdr"][1] == "not given"
    assert found["against"][1] == ""
    assert found["holds"] == "better on own"


def test_the_own_page_can_be_told_from_what_follows_on_other_music(across: pd.DataFrame) -> None:
    page = "Own page.\n"
    whole = page + "\n" + across_markdown(across, "Open-Unmix", {"songs": "Its page.\n"}, "vocals")
    assert HEADING in whole
    assert "| SDR on songs (above the floor) |" in whole
    assert own_part(whole) == page
    assert own_part(page) == page


def test_what_is_said_of_measures_on_a_set_is_a_part_of_what_is_said_of_that_set(across: pd.DataFrame) -> None:
    page = "Its page.\n\n## Measures beside BSSEval\n\nPES\n"
    whole = across_markdown(across, "Open-Unmix", {"songs": page}, "vocals")
    assert "\n## songs\n\nIts page.\n\n### Measures beside BSSEval\n\nPES\n" in whole


def test_joined_tables_say_first_of_which_set_each_row_is() -> None:
    whole = joined({"own": pd.DataFrame({"SDR": [1.0]}), "songs": pd.DataFrame({"SDR": [2.0]})})
    assert list(whole.columns) == ["dataset", "SDR"]
    assert list(whole.dataset) == ["own", "songs"]
