"""The trials of a sweep, by the real Optuna, without training."""

import math
import sys
from pathlib import Path

import pytest

from pipelines.sweeping.ranges import read_ranges
from pipelines.sweeping.study import COMPARED_WITH, Sweep, opened, require_optuna
from sepmodels.errors import UserError
from sepmodels.systems.variants import VARIANTS

RANGES = read_ranges(["learning_rate=1e-4..1e-2:log", "settings.layers=1..9"], VARIANTS["transformer"])
OWN = {"learning_rate": 1e-3, "settings.layers": 3}


def do(sweep: Sweep, number: int) -> None:
    """Do so many trials, whose best learning rate is 0.002."""
    for _ in range(number):
        trial = sweep.next()
        sweep.end(trial, -abs(math.log(sweep.values(trial)["learning_rate"] / 0.002)))


def drawn(sweep: Sweep) -> list[dict[str, object]]:
    return [sweep.values_of(one) for one in sweep.ended]


def test_the_first_trial_is_the_entry_as_it_is(tmp_path: Path) -> None:
    with opened(tmp_path / "trials.db", RANGES, seed=1, steps=None) as sweep:
        sweep.begin(OWN, 10)
        assert sweep.values(sweep.next()) == OWN


def test_the_entry_s_own_value_is_tried_with_all_its_digits_and_others_with_four(tmp_path: Path) -> None:
    own = {**OWN, "learning_rate": 0.00123456}
    with opened(tmp_path / "trials.db", RANGES, seed=1, steps=None) as sweep:
        sweep.begin(own, 10)
        first = sweep.next()
        assert sweep.values(first) == own
        sweep.end(first, 1.0)
        other = sweep.values(sweep.next())["learning_rate"]
        assert other == float(f"{other:.4g}")
    with opened(tmp_path / "trials.db", RANGES, seed=1, steps=None) as sweep:
        assert sweep.values_of(sweep.best) == own


def test_an_entry_that_the_ranges_leave_out_is_no_trial(tmp_path: Path) -> None:
    with opened(tmp_path / "trials.db", RANGES, seed=1, steps=None) as sweep:
        sweep.begin({**OWN, "settings.layers": 20}, 10)
        assert sweep.values(sweep.next())["settings.layers"] <= 9


def test_a_sweep_that_was_broken_off_draws_what_it_would_have_drawn(tmp_path: Path) -> None:
    with opened(tmp_path / "whole" / "trials.db", RANGES, seed=1, steps=None) as whole:
        whole.begin(OWN, 8)
        do(whole, 8)
        expected = drawn(whole)
    for number in (3, 5):
        with opened(tmp_path / "parts" / "trials.db", RANGES, seed=1, steps=None) as part:
            part.begin(OWN, 8)
            do(part, number)
            found = drawn(part)
    assert found == expected
    assert len({one["learning_rate"] for one in found}) == 8


def test_another_seed_draws_other_values(tmp_path: Path) -> None:
    found = []
    for seed in (1, 2):
        with opened(tmp_path / str(seed) / "trials.db", RANGES, seed=seed, steps=None) as sweep:
            do(sweep, 3)
            found.append(drawn(sweep))
    assert found[0] != found[1]


def test_after_the_highest_seed_the_lowest_follows(tmp_path: Path) -> None:
    with opened(tmp_path / "trials.db", RANGES, seed=2**32 - 1, steps=None) as sweep:
        do(sweep, 3)
        assert len(sweep.ended) == 3


def test_a_trial_that_was_under_way_is_there_again_with_its_values(tmp_path: Path) -> None:
    with opened(tmp_path / "trials.db", RANGES, seed=1, steps=None) as sweep:
        values = sweep.values(sweep.next())
    with opened(tmp_path / "trials.db", RANGES, seed=1, steps=None) as sweep:
        (trial,) = sweep.left_running()
        assert sweep.values(trial) == values
        sweep.end(trial, 1.0)
        assert sweep.left_running() == []
        assert sweep.best.number == trial.number


def test_where_there_are_no_more_combinations_than_trials_each_is_tried_once(tmp_path: Path) -> None:
    ranges = read_ranges(["settings.heads=2,4,8", "settings.layers=2..3"], VARIANTS["transformer"])
    with opened(tmp_path / "trials.db", ranges, seed=1, steps=None) as sweep:
        wanted = sweep.begin({"settings.heads": 8, "settings.layers": 3}, 20)
        assert wanted == 6
        found = [tuple(sweep.values(sweep.next()).values()) for _ in range(wanted)]
    assert found[0] == (8, 3)
    assert sorted(found) == [(heads, layers) for heads in (2, 4, 8) for layers in (2, 3)]


def do_whole(sweep: Sweep, *sdrs_db: float) -> None:
    """Do as many trials as stopping one needs, each with these validations at the steps 20, 40 and so on."""
    for _ in range(COMPARED_WITH):
        trial = sweep.next()
        sweep.values(trial)
        for step, sdr_db in enumerate(sdrs_db, start=1):
            assert not sweep.should_stop(trial, 20 * step, sdr_db)
        sweep.end(trial, max(sdrs_db))


def test_a_trial_whose_best_is_below_the_median_of_the_whole_ones_is_stopped_after_half_of_its_steps(
    tmp_path: Path,
) -> None:
    with opened(tmp_path / "trials.db", RANGES, seed=1, steps=100) as sweep:
        do_whole(sweep, 3.0, 3.0, 3.0)
        bad, good = sweep.next(), sweep.next()
        assert [sweep.should_stop(bad, step, 1.0) for step in (40, 60)] == [False, True]
        assert [sweep.should_stop(good, step, 4.0) for step in (40, 60)] == [False, False]
        sweep.values(bad)
        sweep.end(bad, None, why="stopped early")
        assert len(sweep.ended) == COMPARED_WITH + 1
        assert len(sweep.whole) == COMPARED_WITH


def test_a_trial_that_was_once_good_enough_goes_on(tmp_path: Path) -> None:
    with opened(tmp_path / "trials.db", RANGES, seed=1, steps=100) as sweep:
        do_whole(sweep, 3.0, 3.0, 3.0)
        trial = sweep.next()
        assert not any(sweep.should_stop(trial, step, sdr_db) for step, sdr_db in ((40, 3.5), (60, 1.0)))


def test_trials_that_were_stopped_early_are_none_of_those_that_are_compared_with(tmp_path: Path) -> None:
    with opened(tmp_path / "trials.db", RANGES, seed=1, steps=100) as sweep:
        for _ in range(COMPARED_WITH):
            trial = sweep.next()
            sweep.values(trial)
            sweep.should_stop(trial, 60, 3.0)
            sweep.end(trial, None, why="stopped early")
        assert not sweep.should_stop(sweep.next(), 60, 1.0)


def test_a_trial_that_has_done_all_its_steps_has_come_to_its_end(tmp_path: Path) -> None:
    with opened(tmp_path / "trials.db", RANGES, seed=1, steps=60) as sweep:
        do_whole(sweep, 1.0, 1.0, 3.0)
        trial = sweep.next()
        assert not any(sweep.should_stop(trial, step, 1.0) for step in (20, 40, 60))


def test_where_the_number_of_steps_is_not_known_no_trial_is_stopped(tmp_path: Path) -> None:
    with opened(tmp_path / "trials.db", RANGES, seed=1, steps=None) as sweep:
        do_whole(sweep, 3.0, 3.0, 3.0)
        trial = sweep.next()
        assert not any(sweep.should_stop(trial, step, 1.0) for step in (20, 40, 60))


def test_a_trial_that_tells_its_validations_again_is_stopped_by_the_last_alone(tmp_path: Path) -> None:
    with opened(tmp_path / "trials.db", RANGES, seed=1, steps=50) as sweep:
        do_whole(sweep, 1.0, 3.0)
        behind = sweep.next()
        for _ in range(2):  # as it goes, and once more after it was broken off
            assert [sweep.should_stop(behind, step, 2.0) for step in (20, 40)] == [False, True]


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "trials.db").write_text("a letter " * 100)
    with pytest.raises(UserError, match=r"trials\.db cannot be read .*: move .* away to begin the sweep anew"):  # noqa: SIM117
        with opened(tmp_path / "trials.db", RANGES, seed=1, steps=None):
            pass


def test_without_optuna_a_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"needs the package optuna: install it with `pip install 'sepbench\[sweep\]'`"):
        require_optuna()
