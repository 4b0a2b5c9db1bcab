"""Measures beside BSSEval have a table of their own, with the statistics of the table of scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sepmodels.results.across import own_part
from sepmodels.results.measured import measured_markdown, sentences, summed_up, wide
from sepmodels.systems.given_audio import GivenAudio
from tests.sepmodels.results.test_table import made_scores, some_system

GAINS = {"mixture": -8.0, "open_unmix": 0.0, "l1_loss": 0.8, "transformer": 0.0}
SYSTEMS = [some_system(name, name) for name in GAINS]


def measured(seeds: tuple[int, ...] = (42, 43, 44), **changes: float) -> pd.DataFrame:
    """Rows of two measures: one is the SDR of made scores, of the other less is better."""
    scores = made_scores({**GAINS, **changes}, seeds=seeds)
    rows = scores[scores.metric == "SDR"].groupby(["variant", "seed", "track", "target"], sort=False).value.median()
    table = rows.reset_index().assign(window=pd.NA)
    return pd.concat([table.assign(metric="bleedless"), table.assign(metric="PES")], ignore_index=True)


def of_vocals(found: pd.DataFrame) -> pd.DataFrame:
    return found[found.target == "vocals"].set_index(["variant", "metric"])


def test_the_same_difference_is_better_by_one_measure_and_worse_by_one_of_which_less_is_better() -> None:
    found = of_vocals(summed_up(measured(), SYSTEMS, "open_unmix"))
    assert found.verdict["l1_loss", "bleedless"] == "better"
    assert found.verdict["l1_loss", "PES"] == "worse"
    assert found.difference["l1_loss", "PES"] == found.difference["l1_loss", "bleedless"] > 0
    assert found.verdict["transformer", "PES"] == "no difference shown"
    assert found.verdict["mixture", "PES"] == found.verdict["open_unmix", "PES"] == ""
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()


def test_single_trainings_have_no_test_and_the_sentence_says_so() -> None:
    found = summed_up(measured(seeds=(42,)), SYSTEMS, "open_unmix")
    assert of_vocals(found).verdict["l1_loss", "bleedless"] == "no test"
    assert "No test (one training each): l1_loss, transformer." in sentences(found)["bleedless"]


def test_few_tracks_with_a_value_have_no_test_and_what_is_not_trained_here_has_one_as_it_is() -> None:
    rows = measured()
    known = rows.track.isin(sorted(rows.track.unique())[:4])
    rows.loc[(rows.metric == "PES") & ~known, "value"] = np.nan
    theirs = rows[(rows.variant == "l1_loss") & (rows.seed == 42)].assign(variant="theirs", seed=0)
    given = GivenAudio(name="theirs", title="Theirs", summary="", estimates=Path())
    found = summed_up(pd.concat([rows, theirs]), [*SYSTEMS, given], "open_unmix")
    assert "No test (a value on too few tracks): l1_loss, transformer, Theirs." in sentences(found)["PES"]
    assert found.set_index(["variant", "metric"]).p_holm.loc["theirs", "bleedless"].notna().all()
    one_training = summed_up(pd.concat([rows[rows.seed == 42], theirs]), [*SYSTEMS, given], "open_unmix")
    assert "No test (one training of the baseline): Theirs." in sentences(one_training)["bleedless"]


def test_while_the_baseline_has_no_measures_nobody_is_compared() -> None:
    rows = measured()
    found = summed_up(rows[rows.variant != "open_unmix"], SYSTEMS, "open_unmix")
    assert (found.verdict == "").all()
    assert (found.baseline == "open_unmix").all()


def test_measures_that_are_not_up_to_date_are_named_with_the_reason() -> None:
    found = summed_up(measured(), SYSTEMS, "open_unmix", {"l1_loss": "its estimates changed"})
    assert "- These measures of l1_loss are not up to date: its estimates changed." in measured_markdown(found)


def test_what_has_no_value_is_left_out_of_the_median_and_counted() -> None:
    rows = measured()
    lost = (rows.metric == "PES") & (rows.track == rows.track.iloc[0]) & (rows.variant == "l1_loss")
    rows.loc[lost, "value"] = np.nan
    found = of_vocals(summed_up(rows, SYSTEMS, "open_unmix"))
    assert found.no_value["l1_loss", "PES"] == 3
    assert np.isfinite(found.value["l1_loss", "PES"])
    assert "It has no value for 3 of" in sentences(summed_up(rows, SYSTEMS, "open_unmix"))["PES"]


def test_the_page_says_what_a_measure_is_which_way_is_better_and_whose_difference_holds() -> None:
    found = summed_up(measured(), SYSTEMS, "open_unmix")
    page = measured_markdown(found)
    assert "| Vocals | bleedless (higher is better, 0 to 100) | PES (lower is better, dB) |" in page
    assert "- **PES**: How loud the estimate is where the truth rests" in page
    assert "Worse than open_unmix: l1_loss +0." in page
    heads, rows = wide(found)
    assert len(heads) == 2
    assert rows[0]["variant"] == "mixture"


def test_a_page_without_what_stands_below_its_own_part_has_neither_measures_nor_other_music() -> None:
    own = "the table\n"
    beside = measured_markdown(summed_up(measured(), SYSTEMS, "open_unmix"))
    assert own_part(f"{own}\n{beside}") == own
    assert own_part(f"{own}\n{beside}\n## On other music\n\nwords\n") == own
    assert own_part(own) == own


@pytest.mark.parametrize("missing", ["l1_loss", "mixture"])
def test_a_system_without_measures_has_no_row(missing: str) -> None:
    rows = measured()
    found = summed_up(rows[rows.variant != missing], SYSTEMS, "open_unmix")
    assert missing not in set(found.variant)
