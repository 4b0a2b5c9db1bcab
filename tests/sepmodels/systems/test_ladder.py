"""The ladder from Open-Unmix to a band-split RNN."""

from itertools import pairwise

from sepmodels.systems.ladder import RUNGS
from sepmodels.systems.variants import BASELINE, VARIANTS, configuration

CHANGES = [
    {"loss"},
    {"architecture"},
    {"architecture"},
    {"learning_rate", "training"},
    {"training"},
    {"loss_settings"},
]


def test_each_rung_changes_one_thing_of_the_rung_before() -> None:
    names = [BASELINE, *(rung["name"] for rung in RUNGS), "band_split_rnn"]
    rungs = [configuration(VARIANTS[name]) for name in names]
    changes = [
        {name for name in below | above if below.get(name) != above.get(name)} for below, above in pairwise(rungs)
    ]
    assert changes == CHANGES


def test_all_rungs_are_of_the_suite_ladder_and_no_other_variant_is() -> None:
    assert {name for name, one in VARIANTS.items() if "ladder" in one.suites} == {
        *(rung["name"] for rung in RUNGS),
        "band_split_rnn",
    }
