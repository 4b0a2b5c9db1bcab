"""A variant's entry with other values, and its text to paste."""

import ast
from dataclasses import replace

import pytest

from pipelines.profiles import PROFILES
from pipelines.sweeping.entries import entry_text, own_value, with_values
from pipelines.sweeping.preparing import Asked, require_models
from pipelines.sweeping.ranges import read_ranges
from sepmodels.errors import UserError
from sepmodels.systems import aimed
from sepmodels.systems.variants import VARIANTS, Variant, configuration
from tests.training_parts import TINY_TRANSFORMER

SHARED = PROFILES["demo"].training


def pasted(text: str) -> Variant:
    """The entry that the text is, once it is in the list of variants."""
    ast.parse(text)
    return eval(text, {"Variant": Variant})


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=lambda one: one.name)
def test_the_text_of_every_entry_is_that_entry(variant: Variant) -> None:
    again = pasted(entry_text(variant))
    assert configuration(again) == configuration(variant)
    assert (again.title, again.summary, again.suites) == (variant.title, variant.summary, variant.suites)


def test_a_value_of_each_part_takes_its_place_beside_what_the_entry_has() -> None:
    values = {
        "learning_rate": 0.002,
        "settings.hidden": 256,
        "loss_settings.waveform_weight": 2.0,
        "training.effects": ("mono",),
    }
    changed = pasted(entry_text(with_values(VARIANTS["dual_loss"], values)))
    assert changed.learning_rate == 0.002
    assert changed.settings == {"hidden": 256}
    assert changed.loss_settings == {"magnitude_weight": 0.9, "waveform_weight": 2.0}
    assert changed.training == {"effects": ("mono",)}


def test_the_entry_s_own_value_is_known_also_where_it_does_not_say_it() -> None:
    names = ("learning_rate", "settings.heads", "training.ema_decay", "training.chunk_seconds")
    assert [own_value(VARIANTS["transformer"], SHARED, name) for name in names] == [1e-3, 8, 0.0, 3.0]
    assert own_value(VARIANTS["band_split_rnn"], SHARED, "training.gradient_clip") == 5.0


def asked(*ranges: str, variant: Variant = TINY_TRANSFORMER) -> Asked:
    return Asked(variant, PROFILES["demo"], SHARED, read_ranges(ranges, variant), trials=4, seed=42, jobs=1)


def test_a_value_that_makes_no_model_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(UserError, match=r"The range 'settings.heads=2,3' cannot have 3: .*make no model"):
        require_models(asked("settings.heads=2,3"))


def test_a_value_that_makes_a_model_with_another_value_alone_is_kept() -> None:
    require_models(asked("settings.heads=2,3", "settings.hidden=12,24"))


def test_a_range_beyond_what_a_setting_may_be_is_refused() -> None:
    with pytest.raises(UserError, match=r"cannot have 1: The setting training.ema_decay cannot be 1.0"):
        require_models(asked("training.ema_decay=0..1"))
    with pytest.raises(UserError, match="A learning rate is a number above 0"):
        require_models(asked("learning_rate=0..1"))


def test_whatever_makes_other_trials_makes_another_sweep_and_their_number_none() -> None:
    one = asked("learning_rate=1e-4..1e-2")
    assert replace(one, trials=9, jobs=3).name == one.name
    others = [replace(one, seed=1), replace(one, code_version="new"), asked("learning_rate=1e-4..1e-2:log")]
    assert len({one.name, *(other.name for other in others)}) == 4


def test_an_entry_has_no_target_because_that_is_the_profiles() -> None:
    assert "target" not in entry_text(aimed(VARIANTS["dual_loss"], "drums"))
