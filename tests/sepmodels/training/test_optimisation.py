"""What a variant may have of its own of a training, beside Open-Unmix's recipe."""

import dataclasses
import math

import pytest
import torch
from torch import nn

from sepmodels.errors import UserError
from sepmodels.settings import TrainingSettings
from sepmodels.systems.variants import RECIPE, VARIANTS, Variant, own_training
from sepmodels.training import preparation
from sepmodels.training.optimisation import build_optimizer
from sepmodels.training.validation import Validation
from tests.sepmodels.training.test_train import assert_same_training, interrupted_at, weights
from tests.training_parts import SETTINGS, TINY, Listener, train_tiny

MODERN = dataclasses.replace(
    SETTINGS, optimizer="adamw", schedule="cosine", warmup_steps=2, ema_decay=0.5, chosen_by="sdr"
)


def with_own(**training: object) -> Variant:
    return dataclasses.replace(TINY, training=training)


def test_the_learning_rate_warms_up_and_follows_a_cosine_to_a_hundredth(tmp_path) -> None:
    log = Listener()

    train_tiny(tmp_path, dataclasses.replace(SETTINGS, schedule="cosine", warmup_steps=2), log=log)

    share = [0.5, 1.0, *(0.01 + 0.99 * (1 + math.cos(math.pi * step / 10)) / 2 for step in range(10))]
    assert log.values("learning_rate") == pytest.approx([1e-3 * one for one in share])


def test_a_training_with_all_of_it_goes_on_bit_for_bit(tmp_path) -> None:
    train_tiny(tmp_path / "whole", MODERN)

    interrupted_at(tmp_path / "broken", 9, MODERN)
    train_tiny(tmp_path / "broken", MODERN)

    assert_same_training(tmp_path / "broken", tmp_path / "whole")


def test_with_adamw_matrices_decay_by_themselves_and_biases_and_scales_do_not() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    before = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer = build_optimizer(TrainingSettings(optimizer="adamw", weight_decay=0.1), model, learning_rate=0.5)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)

    optimizer.step()

    for was, parameter in zip(before, model.parameters(), strict=True):
        torch.testing.assert_close(parameter.detach(), was * (0.95 if was.dim() > 1 else 1.0))


@pytest.mark.parametrize(("chosen_by", "kept"), [("loss", 12), ("sdr", 6)])
def test_the_epoch_that_is_kept_has_the_least_loss_or_the_highest_sdr(tmp_path, monkeypatch, chosen_by, kept) -> None:
    found = iter([Validation(9.0, 9.0), Validation(2.0, 5.0), Validation(1.0, 4.0)])  # the first is only recorded
    monkeypatch.setattr(preparation, "validate", lambda *_, **__: next(found))

    report = train_tiny(tmp_path, dataclasses.replace(SETTINGS, chosen_by=chosen_by))

    assert report.best_step == kept


def test_where_no_track_has_an_sdr_the_loss_chooses(tmp_path, monkeypatch) -> None:
    found = iter([Validation(loss, math.nan) for loss in (9.0, 2.0, 1.0)])
    monkeypatch.setattr(preparation, "validate", lambda *_, **__: next(found))

    assert train_tiny(tmp_path, dataclasses.replace(SETTINGS, chosen_by="sdr")).best_step == 12


def test_a_variants_own_settings_stand_in_place_of_the_profiles() -> None:
    own = own_training(with_own(schedule="cosine", gradient_clip=1.0), SETTINGS)

    assert own == dataclasses.replace(SETTINGS, schedule="cosine", gradient_clip=1.0)
    assert own_training(TINY, SETTINGS) == SETTINGS


def test_longer_chunks_are_fewer_so_that_each_step_and_epoch_sees_as_many_seconds_of_music() -> None:
    shared = TrainingSettings(batch=4, chunk_seconds=3.0, chunks_per_track=64)
    own = own_training(with_own(chunk_seconds=6.0), shared)

    assert (own.batch, own.chunk_seconds, own.chunks_per_track) == (2, 6.0, 32)


def test_the_budget_and_a_misspelt_setting_are_no_part_of_a_recipe() -> None:
    with pytest.raises(UserError, match="no setting that variant 'tiny' may have of its own called 'steps'"):
        own_training(with_own(steps=9), SETTINGS)
    with pytest.raises(UserError, match="did you mean 'schedule'"):
        own_training(with_own(shedule="cosine"), SETTINGS)


def test_every_setting_of_a_recipe_is_one_of_a_training_and_every_variant_keeps_to_them() -> None:
    assert set(RECIPE) <= {field.name for field in dataclasses.fields(TrainingSettings)}
    for variant in VARIANTS.values():
        own_training(variant, SETTINGS)


def test_adamw_and_adam_end_with_other_weights(tmp_path) -> None:
    decaying = dataclasses.replace(SETTINGS, weight_decay=0.1)
    train_tiny(tmp_path / "adam", decaying)
    train_tiny(tmp_path / "adamw", dataclasses.replace(decaying, optimizer="adamw"))

    first, second = weights(tmp_path / "adam"), weights(tmp_path / "adamw")
    assert not torch.equal(first["fc1.weight"], second["fc1.weight"])
