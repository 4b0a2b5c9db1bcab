"""What a table says against another baseline than the given one."""

from pathlib import Path

import pandas as pd

from sepmodels.results.against import against_others
from sepmodels.results.planning import needs
from sepmodels.results.results import Results
from sepmodels.results.table import make_results
from sepmodels.systems.given_audio import GivenAudio
from tests.sepmodels.results.test_table import TITLES, made_scores, some_system

GAINS = {"mixture": -8.0, "open_unmix": 0.0, "l1_loss": 0.5, "transformer": -0.3, "oracle_mask": 4.0}
SEEDS = (42, 43, 44)


def test_against_each_other_baseline_a_table_says_what_it_would_say_with_that_one_given() -> None:
    scores = made_scores(GAINS, seeds=SEEDS)
    systems = [some_system(name, TITLES.get(name)) for name in GAINS]
    trainings = pd.DataFrame({"variant": ["open_unmix", "l1_loss", "transformer"], "seed": 42})
    told = {"trainings": trainings.assign(**{"training.steps": ["200", "200", "20"]}), "stale": {"l1_loss": "edited"}}
    found = dict(against_others(scores, systems, "open_unmix", **told))
    assert set(found) == {"l1_loss", "transformer"}
    for name, one in found.items():
        whole = make_results(scores, systems, baseline=name, **told)
        pd.testing.assert_frame_equal(one.comparisons, whole.comparisons.drop(columns="scenario"))
        assert not one.comparisons.p_holm.isna().all()
        assert one.sentences == whole.sentences
        assert (*one.notes, *whole.shared_notes) == whole.notes
        assert list(whole.summary.unequal) == [one.unequal[system] for system in whole.summary.variant]
        assert any(one.unequal.values())


def test_notes_that_are_shared_are_the_same_with_every_baseline() -> None:
    scores = made_scores(GAINS, seeds=SEEDS)
    systems = [some_system(name, TITLES.get(name)) for name in GAINS]
    trainings = pd.DataFrame({"variant": ["open_unmix", "l1_loss"], "seed": 42, "precision": ["32", "bf16"]})
    told = [make_results(scores, systems, baseline=name, trainings=trainings) for name in ("open_unmix", "transformer")]
    assert told[0].shared_notes == told[1].shared_notes != ()
    assert told[0].notes != told[1].notes


def with_two_others(*, seeds: tuple[int, ...] = SEEDS, baseline: str = "open_unmix") -> Results:
    """A table with two systems that somebody else trained, of which one is better by two decibels."""
    scores = made_scores({"open_unmix": 0.0, "l1_loss": 0.5, "theirs": 2.0, "older": 1.2}, seeds=seeds)
    others = [GivenAudio(name=name, title=name.title(), summary="", estimates=Path()) for name in ("theirs", "older")]
    scores = scores[~scores.variant.isin(["theirs", "older"]) | (scores.seed == seeds[0])]
    return make_results(scores, [some_system("open_unmix"), some_system("l1_loss"), *others], baseline=baseline)


def test_a_system_that_is_not_trained_here_is_tested_as_it_is() -> None:
    results = with_two_others()
    assert "comes closer to the true vocals" in results.sentences["theirs"]
    assert results.sentences["theirs"].endswith("; this holds for the system as it is, on other tracks.")
    assert "as it is" not in results.sentences["l1_loss"]


def test_systems_that_are_not_trained_here_are_corrected_by_themselves() -> None:
    both = with_two_others().comparisons
    scores = made_scores({"open_unmix": 0.0, "l1_loss": 0.5}, seeds=SEEDS)
    alone = make_results(scores, [some_system("open_unmix"), some_system("l1_loss")]).comparisons
    own = both[both.trained.astype(bool)].reset_index(drop=True)
    pd.testing.assert_frame_equal(own.drop(columns="scenario"), alone.drop(columns="scenario"))
    others = both[~both.trained.astype(bool)]
    assert (others.p_holm >= others.p).all()
    assert (others.p_holm > others.p).any()


def test_two_systems_that_nobody_trained_here_are_compared_over_tracks() -> None:
    results = with_two_others(baseline="older")
    assert results.comparisons.set_index("variant").p_holm["theirs"].notna().all()
    assert "comes closer to the true vocals" in results.sentences["theirs"]


def test_one_training_of_the_baseline_claims_nothing_about_another_system() -> None:
    results = with_two_others(seeds=(42,))
    assert "another training of Open-Unmix may come out otherwise, so nothing is claimed" in results.sentences["theirs"]


def test_a_plan_is_made_for_what_is_trained_here_alone() -> None:
    assert {need.variant for need in needs(with_two_others().comparisons, 0.5)} == {"l1_loss"}
