"""Tables in the terminal."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from assets.paths import Paths
from pipelines.looking.tables import show_table, table_as_csv
from pipelines.profiles import PROFILES
from pipelines.terminal import Terminal
from sepmodels.results.before import BEFORE, EXPLAINED, TERMS, terms_of
from sepmodels.results.measured import summed_up
from tests.sepmodels.results.test_measured import SYSTEMS, measured

TITLES = ("Open-Unmix, dual loss, balanced", "Transformer", "Mixture as estimate")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A data folder with a table of results."""
    paths = Paths(tmp_path, "demo")
    paths.results.mkdir(parents=True)
    measures = {"SDR": -14.31, "SDR_low": -15.65, "SDR_high": -12.5, "SIR": 10.25, "SAR": float("nan"), "ISR": -9.75}
    rows = [
        {"variant": title.lower(), "title": title, "kind": "trained", "place": "ranked", "target": "vocals", **measures}
        for title in TITLES
    ]
    pd.DataFrame(rows).to_parquet(paths.results / "results.parquet")
    said = {"scenario": "demo", "sentences": {}}
    (paths.results / "said.json").write_text(json.dumps(said), encoding="utf-8")
    return paths


def printed(paths: Paths, columns: int) -> str:
    console = Terminal(file=io.StringIO(), width=columns)
    show_table(PROFILES["demo"], paths, console)
    return console.file.getvalue()


@pytest.mark.parametrize("columns", [40, 50, 60, 66, 72, 80, 200])
def test_every_measure_is_whole_in_a_terminal_of_any_width(paths: Paths, columns: int) -> None:
    said = printed(paths, columns)
    assert "…" not in said
    assert max(map(len, said.splitlines())) <= columns
    numbers = [re.findall(r"-?\d+\.\d\d|nan", re.sub(r"-15\.65 to -12\.50", "", line)) for line in said.splitlines()]
    assert [found for found in numbers if found] == [["-14.31", "10.25", "nan", "-9.75"]] * len(TITLES)
    assert ("-15.65 to -12.50" in said) == (columns >= 100)


def test_what_a_row_was_before_on_the_same_terms_stands_in_the_table_and_is_explained_once_below(paths: Paths) -> None:
    assert EXPLAINED not in printed(paths, 200)
    names = [title.lower() for title in TITLES]
    terms = terms_of(pd.DataFrame([{"variant": name, "seed": 42, "track": "song"} for name in names]), "200 steps")
    terms.to_parquet(paths.results / TERMS)
    terms.assign(target="vocals", SDR=-14.0).head(2).to_parquet(paths.results / BEFORE)
    said = printed(paths, 200)
    assert said.count("-14.31 (was -14.00)") == 2
    assert said.count(EXPLAINED) == 1


def test_measures_beside_bsseval_stand_below_the_table_and_say_which_way_is_better(paths: Paths) -> None:
    found = summed_up(measured(), SYSTEMS, "open_unmix")
    found.to_parquet(paths.results / "measures.parquet")
    said = printed(paths, 60)
    assert "Vocals, demo: measures beside BSSEval" in said
    heads = next(line for line in said.splitlines() if line.startswith("system") and "PES" in line)
    assert heads.split() == ["system", "bleedless", "PES"]
    assert re.search(r"^l1_loss +-?\d+\.\d\d +-?\d+\.\d\d$", said, re.MULTILINE)
    assert "- PES (lower is better): How loud the estimate is" in said


def test_a_row_that_is_not_on_equal_terms_with_the_baseline_is_marked(paths: Paths) -> None:
    table = pd.read_parquet(paths.results / "results.parquet")
    table.assign(unequal=["", "training.steps 20 against 200", ""]).to_parquet(paths.results / "results.parquet")
    assert printed(paths, 200).count("(!)") == 1
    assert "Transformer (!)" in printed(paths, 200)


def test_a_row_that_has_become_stale_since_the_table_was_made_is_marked_and_told(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        (asset("transformer", "checkpoint"), stands("stale")),
        (asset("transformer", "scores"), stands("waiting")),
        (asset("results"), stands("stale")),
    ]
    monkeypatch.setattr("pipelines.graph.selection.standing", lambda *_: found)
    said = printed(paths, 200)
    assert said.count("(!)") == 1
    assert "Transformer (!)" in said
    assert "- Transformer is stale: its settings changed.\n" in said


def asset(*path: str) -> SimpleNamespace:
    return SimpleNamespace(key=SimpleNamespace(path=["demo", *path]))


def stands(state: str) -> SimpleNamespace:
    return SimpleNamespace(state=state, reasons=("its settings changed",))


def test_an_interval_that_one_track_cannot_have_is_left_empty(paths: Paths) -> None:
    table = pd.read_parquet(paths.results / "results.parquet")
    table.assign(SDR_low=float("nan"), SDR_high=float("nan")).to_parquet(paths.results / "results.parquet")
    assert "nan to nan" not in printed(paths, 200)


def test_in_the_narrowest_terminal_the_sdr_of_every_system_is_whole(paths: Paths) -> None:
    assert printed(paths, 24).count("-14.31") == len(TITLES)


def test_the_table_as_csv_is_that_of_the_run_and_names_the_set_where_there_are_several(
    paths: Paths, tmp_path: Path
) -> None:
    own = pd.read_parquet(paths.results / "results.parquet")
    assert table_as_csv(PROFILES["demo"], paths) == own.to_csv(index=False)
    other = replace(PROFILES["demo"], test_sets=(f"other={tmp_path}",))
    (paths.results / "other").mkdir()
    own.to_parquet(paths.results / "other" / "results.parquet")
    rows = pd.read_csv(io.StringIO(table_as_csv(other, paths)))
    assert list(rows.dataset) == ["demo"] * len(own) + ["other"] * len(own)
