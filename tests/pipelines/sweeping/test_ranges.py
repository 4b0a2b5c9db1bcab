"""The ranges of a sweep, as a person writes them."""

import pytest

from pipelines.sweeping.ranges import read_ranges
from sepmodels.errors import UserError
from sepmodels.systems.variants import VARIANTS

TRANSFORMER, DUAL = VARIANTS["transformer"], VARIANTS["dual_loss"]


def test_without_a_range_the_learning_rate_is_swept() -> None:
    (only,) = read_ranges([], TRANSFORMER)
    assert (only.name, only.low, only.high, only.log) == ("learning_rate", 1e-4, 1e-2, True)


def test_values_have_the_type_that_the_setting_is_declared_with() -> None:
    texts = ["settings.heads=1,2,4", "settings.layers=1..4", "settings.dropout=0..1", "training.remix=true,false"]
    found = {one.name: one.ends for one in read_ranges(texts, TRANSFORMER)}
    assert found == {
        "settings.dropout": (0.0, 1.0),
        "settings.heads": (1, 2, 4),
        "settings.layers": (1, 4),
        "training.remix": (True, False),
    }
    assert type(found["settings.dropout"][0]) is float


def test_a_number_that_may_also_be_none_has_a_range() -> None:
    (clip,) = read_ranges(["training.gradient_clip=0.1..5"], TRANSFORMER)
    assert (clip.low, clip.high) == (0.1, 5.0)
    (clip,) = read_ranges(["training.gradient_clip=none,1,5"], TRANSFORMER)
    assert clip.ends == (None, 1.0, 5.0)


def test_of_names_several_may_be_one_value() -> None:
    (effects,) = read_ranges(["training.effects=none,polarity,polarity+mono"], TRANSFORMER)
    assert effects.ends == ((), ("polarity",), ("polarity", "mono"))


def test_the_order_in_which_ranges_are_written_is_none_of_the_search() -> None:
    texts = ["loss_settings.waveform_weight=0.1..10:log", "learning_rate=1e-4,1e-3"]
    assert read_ranges(texts, DUAL) == read_ranges(reversed(texts), DUAL)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("training.gradient_clip=none..5", "cannot be 'none': expected a number"),
        ("learning_rate", "has no values"),
        ("learning_rate=1e-3", "has no two values"),
        ("settings.heads=8,8", "has no two values"),
        ("learning_rate=1e-2..1e-4", "the first number must be below the second"),
        ("learning_rate=0..1:log", "begin above 0"),
        ("learning_rate=1e-4..1e-2:lin", "only :log may stand there"),
        ("learning_rate=little..much", "cannot be 'little': expected a number"),
        ("training.optimizer=adam..adamw", "training.optimizer is no number"),
        ("heads=1,2", "There is no setting to sweep 'heads'"),
        ("settings.head=1,2", "did you mean 'heads'?"),
        ("training.steps=5..10", "There is no setting of a variant's training called 'steps'"),
        ("loss_settings.weight=1,2", "The loss 'magnitude_mse' has no settings"),
    ],
)
def test_what_is_no_range_is_said_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence.replace("?", r"\?")):
        read_ranges([text], TRANSFORMER)


def test_two_ranges_of_one_setting_are_refused() -> None:
    with pytest.raises(UserError, match="two ranges of learning_rate"):
        read_ranges(["learning_rate=1,2", "learning_rate=3,4"], TRANSFORMER)
