"""What a table says against another baseline than the given one."""

import pandas as pd

from sepmodels.results.against import against_others
from sepmodels.results.table import make_results
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
