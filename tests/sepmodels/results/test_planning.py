"""How many seeds and tracks a difference takes."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.paths import Paths
from pipelines.looking.plan import show_plan
from pipelines.profiles import PROFILES
from pipelines.terminal import Terminal
from sepmodels.errors import UserError
from sepmodels.results.crossed import difference
from sepmodels.results.planning import needs


def comparisons(seeds: int = 3, **changed: object) -> pd.DataFrame:
    known = {"seed_sd": 0.2, "baseline_seed_sd": 0.2, "rest_sd": 0.3, "baseline_rest_sd": 0.3}
    row = {"variant": "l1_loss", "target": "vocals", "metric": "SDR", "track_sd": 0.4, "trained": True}
    counts = {"tracks": 50, "samples": 50, "seeds": seeds, "baseline_seeds": seeds}
    return pd.DataFrame([row | known | counts | changed])


def single(**changed: object) -> pd.DataFrame:
    unknown = dict.fromkeys(("seed_sd", "baseline_seed_sd", "rest_sd", "baseline_rest_sd"), np.nan)
    return comparisons(seeds=1, **(unknown | changed))


@settings(max_examples=20, deadline=None)
@given(small=st.floats(0.2, 0.6), factor=st.floats(1.1, 3))
def test_a_smaller_difference_takes_as_many_seeds_or_more(small: float, factor: float) -> None:
    (less,), (more,) = needs(comparisons(), small), needs(comparisons(), small * factor)
    assert more.seeds is not None
    assert less.seeds is None or less.seeds >= more.seeds


def test_so_many_seeds_find_it_as_often_as_was_asked() -> None:
    (need,) = needs(comparisons(), 0.5)
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(400):
        own = rng.standard_normal((50, 1)) * 0.4
        scores = [
            0.2 * rng.standard_normal((1, need.seeds)) + 0.3 * rng.standard_normal((50, need.seeds)) for _ in range(2)
        ]
        found += difference(own + scores[0] + 0.5, scores[1]).p < 0.05
    assert need.seeds is not None
    assert found / 400 > 0.75


def test_more_tracks_take_fewer_seeds_and_what_no_seeds_can_do_is_said() -> None:
    few, many = needs(comparisons(samples=10, track_sd=2.0), 0.5, tracks=(1000,))
    assert few.seeds is None
    assert many.seeds is not None
    assert [few.tracks, many.tracks] == [10, 1000]


def test_with_one_training_the_spread_between_seeds_is_assumed() -> None:
    (need,) = needs(single(), 0.5)
    assert need.assumed
    assert np.isnan(need.detectable_db)
    assert need.seeds is not None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"difference_db": 0.0}, "give a number above 0"),
        ({"difference_db": float("nan")}, "give a number above 0"),
        ({"difference_db": 0.3, "power": 1.0}, "give a share from 0.05 to 0.999"),
        ({"difference_db": 0.3, "metric": "XYZ"}, "compares no variant by the XYZ of the vocals"),
        ({"difference_db": 0.3, "target": "drums"}, "by the SDR of the drums"),
    ],
)
def test_what_cannot_be_planned_for_is_said(options: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        needs(comparisons(), **options)


def planned(paths: Paths, table: pd.DataFrame) -> str:
    paths.results.mkdir(parents=True, exist_ok=True)
    table.to_parquet(paths.results / "comparisons.parquet")
    for name in ("open_unmix", "l1_loss"):
        file = paths.training_figures(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"seconds": [600.0, 660.0]}).to_parquet(file)
    console = Terminal(file=io.StringIO(), width=200)
    show_plan(PROFILES["demo"], paths, console, difference_db=0.5, target="vocals", metric="SDR", power=0.8)
    return console.file.getvalue()


def test_the_plan_names_seeds_and_time(tmp_path) -> None:
    (need,) = needs(comparisons(), 0.5)
    said = planned(Paths(tmp_path, "demo"), comparisons())
    assert f"{need.seeds - 3} of each, {(need.seeds - 3) * 21:.0f} min" in said
    assert "is found in 80% of cases" in said
    assert "assumed" not in said


def test_the_plan_says_what_it_assumes(tmp_path) -> None:
    said = planned(Paths(tmp_path, "demo"), single())
    assert "nothing" in said
    assert "0.2 dB is assumed" in said


def test_without_results_there_is_nothing_to_plan_from(tmp_path) -> None:
    with pytest.raises(UserError, match="There are no results of demo"):
        show_plan(
            PROFILES["demo"],
            Paths(tmp_path, "demo"),
            Terminal(),
            difference_db=0.5,
            target="vocals",
            metric="SDR",
            power=0.8,
        )
