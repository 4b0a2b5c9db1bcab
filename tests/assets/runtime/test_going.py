"""How far each step is, for whoever looks from another process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assets.runtime.events import Events
from assets.runtime.going import GoingFile, going_on


def test_a_step_is_seen_while_it_is_made_and_no_more_when_it_has_ended(tmp_path: Path) -> None:
    with Events(("open_unmix", "checkpoint"), say=print, going=tmp_path, run="run-1") as events:
        events.progress(120, 200, "step", loss=0.5)
        (one,) = going_on(tmp_path)
        assert (one.asset, one.run) == ("open_unmix/checkpoint", "run-1")
        assert (one.done, one.total, one.unit, one.figures) == (120, 200, "step", {"loss": 0.5})
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_fails_is_seen_no_more_either(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), Events(("scores",), say=print, going=tmp_path):
        raise ValueError("broken")
    assert going_on(tmp_path) == []


def test_the_time_left_counts_from_where_a_training_went_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clock = iter([1000.0, 1010.0, 1030.0])
    monkeypatch.setattr("assets.runtime.going.time.time", lambda: next(clock))
    file = GoingFile(tmp_path / "x.json", "x", "")
    file.progress(100, 200, "step")  # it had been made before
    file.progress(120, 200, "step")
    monkeypatch.undo()
    (one,) = going_on(tmp_path)
    assert one.seconds_left == pytest.approx(80 * 20 / 20)


def test_the_time_left_of_a_training_is_that_of_all_its_seeds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clock = iter([1000.0, 1100.0, 1101.0, 1111.0, 1131.0])
    monkeypatch.setattr("assets.runtime.going.time.time", lambda: next(clock))
    file = GoingFile(tmp_path / "x.json", "x", "")
    file.begin_part(1, 3)
    file.progress(200, 200, "step")  # which is kept
    file.begin_part(2, 3)
    file.progress(100, 200, "step")
    file.progress(120, 200, "step")
    file.progress(140, 200, "step")
    monkeypatch.undo()
    (one,) = going_on(tmp_path)
    assert (one.part, one.parts) == (2, 3)
    assert one.seconds_left == pytest.approx((60 + 200) * (1131 - 1101) / 40)


def test_the_log_says_of_which_seed_it_tells_and_what_the_time_left_is_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("assets.runtime.events.LOG_EVERY_SECONDS", 0.0)
    clock = iter(range(1000, 1100, 10))
    monkeypatch.setattr("assets.runtime.going.time.time", lambda: next(clock))
    said: list[str] = []
    events = Events(("a", "checkpoint"), say=said.append, going=tmp_path)
    for seed in (1, 2):
        events.begin_part(seed, 2)
        events.progress(100, 200, "step")
        events.progress(110, 200, "step", loss=0.5)
    assert said == [
        "100 of 200 steps of seed 1 of 2",
        "110 of 200 steps of seed 1 of 2: loss 0.5; about 5 min left for the 2 seeds to go",
        "100 of 200 steps of seed 2 of 2",
        "110 of 200 steps of seed 2 of 2: loss 0.5; about 2 min left",
    ]


def test_what_a_killed_process_left_is_passed_over_and_so_is_a_file_that_is_none(tmp_path: Path) -> None:
    script = "import os, sys; from pathlib import Path; from assets.runtime.going import GoingFile\n"
    script += "file = GoingFile(Path(sys.argv[1]) / 'a.json', 'a', ''); file.begin(); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert json.loads((tmp_path / "a.json").read_text())["asset"] == "a"
    (tmp_path / "b.json").write_text('{"half":')
    assert going_on(tmp_path) == []


def test_a_step_that_is_stopped_says_where_and_how_to_go_on(tmp_path: Path) -> None:
    said = []
    events = Events(("checkpoint",), say=said.append, going=tmp_path)
    with pytest.raises(KeyboardInterrupt), events:
        _interrupted(events)
    assert said == [
        "Stopped after 120 of 200 steps: what is made is kept. "
        "`sepbench run`, or Dagster's job refresh, goes on from there."
    ]


def _interrupted(events: Events) -> None:
    events.progress(120, 200, "step")
    raise KeyboardInterrupt
