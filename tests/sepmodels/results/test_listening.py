"""The statistics of listening tests."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from benchmarks.listening import share_found
from pipelines.cli import app
from sepmodels.errors import UserError
from sepmodels.results.listening import REFERENCE, agreement, rated, read_ratings, screened

SYSTEMS = {"open_unmix": 50.0, "transformer": 40.0, REFERENCE: 100.0, "(mixture)": 15.0}


def ratings(listeners: int = 8, tracks: int = 4, spread: float = 3.0, **systems: float) -> pd.DataFrame:
    """Each listener's ratings of each track, around the systems' own points."""
    draws = np.random.default_rng(7)
    rows = [
        {
            "listener": f"listener {who}",
            "track": f"track {track}",
            "target": "vocals",
            "system": name,
            "rating": float(np.clip(points + spread * draws.standard_normal(), 0, 100)),
            "letter": "A",
            "time": f"2026-01-01T00:{who:02d}:{track:02d}Z",
        }
        for who in range(listeners)
        for track in range(tracks)
        for name, points in (SYSTEMS | systems).items()
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(table: pd.DataFrame, name: str = "ratings.csv") -> Path:
        table.to_csv(tmp_path / name, index=False)
        return tmp_path / name

    return write


def test_systems_are_ordered_by_their_mean_with_intervals_and_differences_to_the_baseline() -> None:
    found = rated(ratings(), "open_unmix").set_index("system")
    assert list(found.index) == [REFERENCE, "open_unmix", "transformer", "(mixture)"]
    row = found.loc["transformer"]
    assert row.low < row["mean"] < row.high
    assert row["mean"] == pytest.approx(40, abs=3)
    assert row.difference_low < row.difference < row.difference_high < 0
    assert row.difference == pytest.approx(-10, abs=3)
    assert row.p < 0.001
    assert np.isnan(found.p[[REFERENCE, "open_unmix", "(mixture)"]]).all()


@pytest.mark.parametrize(("listeners", "tracks"), [(1, 5), (5, 1)])
def test_one_listener_or_one_track_says_nothing_of_others(listeners: int, tracks: int) -> None:
    found = rated(ratings(listeners, tracks), "open_unmix")
    assert found["mean"].notna().all()
    assert found[["low", "high", "p"]].isna().all(axis=None)


@pytest.mark.parametrize(("listeners", "tracks"), [(2, 10), (5, 3), (20, 10)])
def test_no_difference_is_found_by_chance_more_often_than_promised(listeners: int, tracks: int) -> None:
    assert share_found(tracks, listeners, (5, 5), 0.0, draws=300) < 0.075  # 5 % and two standard errors


def test_who_does_not_know_the_hidden_reference_is_left_out_and_named() -> None:
    careless = ratings(1, **{REFERENCE: 60.0}).assign(listener="careless")
    kept, left_out = screened(pd.concat([ratings(), careless]))
    assert left_out == ["careless"]
    assert "careless" not in set(kept.listener)
    assert kept.listener.nunique() == 8


def test_a_measure_that_orders_systems_as_listeners_do_agrees_and_one_that_reverses_them_does_not() -> None:
    table = ratings()
    points = table[table.system.isin(["open_unmix", "transformer"])]
    means = points.groupby(["track", "system"], as_index=False).rating.mean().rename(columns={"system": "variant"})
    hard = means.track.map({f"track {number}": 10.0 * number for number in range(4)})  # a hard track is hard for all
    scores = pd.concat(
        [
            means.assign(target="vocals", metric="SDR", value=means.rating + hard),
            means.assign(target="vocals", metric="SIR", value=-means.rating),
        ]
    )
    found = agreement(table, scores.drop(columns="rating")).set_index("metric")
    assert found.correlation["SDR"] > 0.9
    assert found.correlation["SIR"] < -0.9


def test_a_rating_given_again_takes_the_place_of_the_first_also_from_another_file(written) -> None:
    first, again = ratings(1, 1), ratings(1, 1).assign(rating=7.0, time="2027-01-01T00:00:00Z")
    found = read_ratings([written(again, "again.csv"), written(first, "first.csv"), written(first, "copy.csv")])
    assert len(found) == len(SYSTEMS)
    assert set(found.rating) == {7.0}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "listener,track\na,b\n",
            "lacks the column target: expected the CSV file that the report's listening test gives",
        ),
        (
            "listener,track,target,system,rating,time\na,b,vocals,c,101,d\n",
            "line 2: the rating '101' is no number from 0",
        ),
        (
            "listener,track,target,system,rating,time\na,b,vocals,c,,d\n",
            "line 2: the rating '' is no number from 0 to 100",
        ),
        ("listener,track,target,system,rating,time\n", "holds no rating"),
        ("", "cannot be read as ratings"),
        (None, "cannot be read as ratings"),
    ],
    ids=["no column", "too much", "no number", "no rows", "empty", "no file"],
)
def test_a_file_that_holds_no_ratings_is_named_with_the_reason(tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "ratings.csv"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=words) as raised:
        read_ratings([file])
    assert str(file) in str(raised.value)


def test_the_command_prints_a_table_beside_the_measures_and_names_who_is_left_out(written, tmp_path: Path) -> None:
    careless = ratings(1, **{REFERENCE: 60.0}).assign(listener="careless")
    file = written(pd.concat([ratings(), careless]))
    done = CliRunner().invoke(app, ["votes", str(file), "-p", "demo", "--data", str(tmp_path)], env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.output
    assert "hidden reference was rated below 90 in over 15% of the tracks (ITU-R BS.1534-3): careless." in done.output
    (line,) = [line for line in done.output.splitlines() if line.startswith("transformer")]
    assert line.split()[-2:] == ["8", "4"]
    assert "for other listeners and other tracks" in done.output
