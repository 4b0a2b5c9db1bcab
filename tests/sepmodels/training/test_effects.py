"""Augmentation beside Open-Unmix's: what each effect does to the sources, and that trainings with it go on exactly."""

import dataclasses

import pytest
import torch
import torchaudio
from torch import Tensor

from sepmodels.errors import UserError
from sepmodels.limits import check_training
from sepmodels.settings import EFFECT_NAMES, TrainingSettings
from sepmodels.systems.variants import VARIANTS, own_training
from sepmodels.training import effects
from sepmodels.training.effects import EFFECTS, peaking_response, with_effects
from tests.sepmodels.training.test_train import assert_same_training, interrupted_at
from tests.training_parts import SETTINGS, train_tiny

SAMPLES = 8820


def sources(batch: int = 64, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(batch, 2, 2, SAMPLES, generator=torch.Generator().manual_seed(seed))


def through(name: str, before: Tensor, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    return EFFECTS[name](before)


def untouched(before: Tensor, after: Tensor) -> float:
    """The share of sources that are as they were."""
    return float((before == after).flatten(2).all(dim=2).float().mean())


@pytest.mark.parametrize("name", EFFECTS)
def test_the_mixture_is_the_sum_of_the_sources_whatever_they_went_through(name: str) -> None:
    vocals, rest = sources().unbind(dim=1)
    torch.manual_seed(1)
    mixture, target = with_effects(vocals + rest, vocals, [name])
    torch.manual_seed(1)
    expected = EFFECTS[name](torch.stack([vocals, rest], dim=1))

    torch.testing.assert_close(target, expected[:, 0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(mixture, expected.sum(dim=1), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", EFFECTS)
def test_it_is_drawn_anew_each_time_and_the_same_seed_draws_the_same(name: str) -> None:
    before = sources()
    kept = before.clone()

    first = through(name, before)

    assert torch.equal(first, through(name, before))
    assert not torch.equal(first, through(name, before, seed=1))
    assert torch.equal(before, kept)
    assert first.shape == before.shape


@pytest.mark.parametrize("name", EFFECTS)
def test_silence_stays_silent(name: str) -> None:
    assert not through(name, torch.zeros(8, 2, 2, SAMPLES)).any()


def test_polarity_turns_half_of_the_sources_upside_down() -> None:
    before = sources()
    after = through("polarity", before)

    torch.testing.assert_close(after.abs(), before.abs())
    assert 0.35 < untouched(before, after) < 0.65


def test_mono_makes_both_channels_of_some_sources_their_mean() -> None:
    before = sources()
    after = through("mono", before)

    same = (after[:, :, 0] == after[:, :, 1]).all(dim=2)
    assert 0.1 < float(same.float().mean()) < 0.3
    torch.testing.assert_close(after.sum(dim=2), before.sum(dim=2), atol=1e-6, rtol=0)


def test_a_peak_of_the_equaliser_is_the_biquad_that_torchaudio_runs_sample_by_sample() -> None:
    impulse = torch.zeros(SAMPLES)
    impulse[0] = 0.5  # a whole one would be clipped by torchaudio
    expected = torchaudio.functional.equalizer_biquad(impulse, 44_100, 1000, 6.0, effects.QUALITY)

    response = peaking_response(torch.tensor(1000.0), torch.tensor(6.0), SAMPLES // 2 + 1)

    torch.testing.assert_close(0.5 * torch.fft.irfft(response, n=SAMPLES), expected, atol=1e-5, rtol=0)


def test_a_tone_at_another_speed_has_another_pitch_by_at_most_a_tenth() -> None:
    time = torch.arange(44_100) / 44_100
    tone = torch.sin(2 * torch.pi * 1000 * time).expand(16, 2, 2, -1)

    spectra = torch.fft.rfft(through("speed", tone)[:, :, 0]).abs().argmax(dim=-1)

    assert sorted(set(spectra.flatten().tolist())) == pytest.approx([900, 950, 1000, 1053, 1111], abs=2)


def test_the_limiter_turns_both_sources_down_alike_and_never_up() -> None:
    before = sources()
    after = through("limiter", before)

    gain = after / before
    assert float(gain.max()) <= 1 + 1e-5
    torch.testing.assert_close(gain[:, 0], gain[:, 1], atol=1e-3, rtol=1e-3)
    limited = (after != before).flatten(1).any(dim=1)
    assert 0.1 < float(limited.float().mean()) < 0.5
    peaks = [one.sum(dim=1).abs().amax(dim=(1, 2)) for one in (before, after)]
    assert bool((peaks[1][limited] < peaks[0][limited]).all())


def test_mute_silences_some_vocals_and_fewer_accompaniments() -> None:
    silent = through("mute", sources(400)).abs().amax(dim=(2, 3)) == 0

    assert 0.06 < float(silent[:, 0].float().mean()) < 0.15
    assert 0.02 < float(silent[:, 1].float().mean()) < 0.09


def test_a_training_with_every_effect_goes_on_bit_for_bit(tmp_path) -> None:
    settings = dataclasses.replace(SETTINGS, effects=EFFECT_NAMES)
    train_tiny(tmp_path / "whole", settings)

    interrupted_at(tmp_path / "broken", 9, settings)
    train_tiny(tmp_path / "broken", settings)

    assert_same_training(tmp_path / "broken", tmp_path / "whole")


def test_every_effect_has_its_name_among_the_settings_and_a_misspelt_one_is_refused() -> None:
    assert set(EFFECT_NAMES) == set(EFFECTS)
    with pytest.raises(UserError, match="did you mean 'polarity'"):
        check_training(TrainingSettings(effects=("polarty",)))


def test_a_variant_may_have_effects_of_its_own_also_as_its_model_file_has_them() -> None:
    for names in (("mute",), ["mute"]):
        own = dataclasses.replace(VARIANTS["l1_loss"], training={"effects": names})
        assert own_training(own, SETTINGS).effects == ("mute",)
