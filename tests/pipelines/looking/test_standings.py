"""``sepbench stale`` says at a glance what is not up to date, by system, why, and how long it takes to make again."""

import io
from types import SimpleNamespace

import dagster as dg
import pytest
from rich.console import Console

from assets.paths import Paths
from assets.staleness.acceptance import Acceptance
from assets.staleness.standing import Standing
from pipelines.looking import standings
from pipelines.looking.standings import Line, show_standings
from pipelines.profiles import PROFILES

CODE = "sepmodels/training/losses.py changed (function `magnitude_mse`)"
ACCEPTED = Acceptance("renamed a loss", "A. Person", "2026-11-27 10:00 UTC", (), "Not checked.", "a", "b")


def line(system: str, name: str, state: str, *reasons: str, seconds: float | None = 60.0, accepted=()) -> Line:
    key = dg.AssetKey(["demo", system, name])
    return Line(system, name, Standing(key, state, reasons), seconds, accepted)


@pytest.fixture
def say(monkeypatch, tmp_path):
    """Gives what is printed of lines, and whether all was fresh."""

    def said(*lines: Line, everything: bool = False) -> tuple[list[str], bool]:
        monkeypatch.setattr(standings, "_lines", lambda *_: lines)
        output = io.StringIO()
        fresh = show_standings(
            PROFILES["demo"], Paths(tmp_path, "demo"), Console(file=output, width=200), everything=everything
        )
        return output.getvalue().rstrip().splitlines(), fresh

    return said


FRESH = line("data", "tracks", "fresh")
STALE = line("open_unmix", "checkpoint", "stale", CODE, "library torch changed from 1 to 2", seconds=5400)
WAITS = [line("open_unmix", name, "waiting", "it waits for open_unmix/checkpoint") for name in ("estimates", "scores")]
NEVER = [line("l1_loss", name, "never", "it has never been made", seconds=None) for name in ("checkpoint", "scores")]


def test_only_what_is_not_fresh_is_listed_by_system_with_one_reason_on_its_own_line_and_its_time(say):
    said, fresh = say(FRESH, STALE, *WAITS, *NEVER)
    assert not fresh
    assert said[:-1] == [
        "5 of 6 products of demo are not up to date.",
        "",
        "open_unmix",
        "  checkpoint  stale, 1 h 30 min to make again",
        f"    {CODE}, and 1 more (--all)",
        "  estimates, scores  waits",
        "    it waits for open_unmix/checkpoint",
        "",
        "l1_loss",
        "  checkpoint, scores  never made",
        "",
    ]
    assert said[-1].startswith("About 1 h 30 min to make what is stale, up to 1 h 32 min with what waits for it. `sep")
    assert said[-1].endswith("` makes it.")


def test_all_lists_what_is_fresh_and_every_reason(say):
    said, _ = say(FRESH, STALE, everything=True)
    assert "  tracks  fresh" in said
    assert "    library torch changed from 1 to 2" in said


def test_where_all_is_fresh_that_is_one_line_and_what_was_accepted_is_told(say):
    assert say(FRESH) == (["Everything of demo is up to date."], True)
    said, fresh = say(FRESH, line("open_unmix", "checkpoint", "fresh", accepted=[ACCEPTED]))
    assert fresh
    assert said[2:] == [
        "Accepted without being made again",
        "  open_unmix checkpoint: accepted by A. Person on 2026-11-27 10:00 UTC: renamed a loss. Not checked.",
    ]


def test_with_only_what_waits_for_other_variants_alone_counts_as_up_to_date_as_for_a_run(monkeypatch, tmp_path):
    keys = {name: dg.AssetKey(["demo", *name.split("/")]) for name in ("a/checkpoint", "b/checkpoint", "results")}
    stands = [
        (SimpleNamespace(key=keys["a/checkpoint"], needs=()), Standing(keys["a/checkpoint"], "fresh")),
        (SimpleNamespace(key=keys["b/checkpoint"], needs=()), Standing(keys["b/checkpoint"], "never", ("never",))),
        (
            SimpleNamespace(key=keys["results"], needs=(keys["a/checkpoint"], keys["b/checkpoint"])),
            Standing(keys["results"], "waiting", ("it waits for b/checkpoint",)),
        ),
    ]
    monkeypatch.setattr("pipelines.graph.selection.standing", lambda *_: stands)

    def all_is_fresh(*chosen: str) -> bool:
        names = [keys[name].to_user_string() for name in chosen]
        monkeypatch.setattr("pipelines.graph.selection.select", lambda *_: names)
        return show_standings(PROFILES["demo"], Paths(tmp_path, "demo"), Console(file=io.StringIO()))

    assert all_is_fresh("a/checkpoint", "results")
    assert not all_is_fresh("b/checkpoint", "results")
