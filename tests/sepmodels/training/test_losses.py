import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sepmodels.audio.stft import Stft, magnitude_of
from sepmodels.errors import UserError
from sepmodels.models.estimate import Estimate
from sepmodels.systems.variants import VARIANTS, Variant
from sepmodels.training.losses import LOSSES, Loss, build_loss, dual, magnitude_l1, magnitude_mse, waveform_mse

SQUARED = {"magnitude_mse", "waveform_mse", "dual"}
PROPORTIONAL = {"magnitude_l1", "waveform_l1", "spectrogram_l1", "a_weighted_l1", "multi_resolution_l1"}
STFT = Stft(n_fft=256, hop=64)


def noise(seed: int, samples: int = 3000) -> torch.Tensor:
    return 0.1 * torch.randn(2, 2, samples, generator=torch.Generator().manual_seed(seed))


def variant_with(loss: str, **settings: float) -> Variant:
    return dataclasses.replace(VARIANTS["open_unmix"], name="mine", loss=loss, loss_settings=settings)


def each_loss() -> dict[str, Loss]:
    weights = {"magnitude_weight": 0.9, "waveform_weight": 0.1}
    return {name: build_loss(variant_with(name, **(weights if name == "dual" else {}))) for name in LOSSES}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_zero_only_where_the_estimate_is_the_target(name: str) -> None:
    loss = each_loss()[name]
    target = noise(1)

    assert float(loss(Estimate.from_waveform(target, STFT), target)) == 0
    assert float(loss(Estimate.from_waveform(target + noise(2), STFT), target)) > 0


@pytest.mark.parametrize("name", sorted(SQUARED | PROPORTIONAL))
@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.01, 100))
def test_a_loss_grows_with_the_gain_squared_and_l1_with_the_gain(name: str, gain: float) -> None:
    loss = each_loss()[name]
    target, other = noise(1), noise(2)

    once = loss(Estimate.from_waveform(other, STFT), target)
    scaled = loss(Estimate.from_waveform(gain * other, STFT), gain * target)

    expected = gain**2 if name in SQUARED else gain
    assert float(scaled / once) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_does_not_depend_on_the_length_or_number_of_chunks(name: str) -> None:
    loss = each_loss()[name]
    target, other = noise(1, 64_000), noise(2, 64_000)

    long = loss(Estimate.from_waveform(other, STFT), target)
    short = loss(Estimate.from_waveform(other[:1, :, :32_000], STFT), target[:1, :, :32_000])

    assert float(short) == pytest.approx(float(long), rel=0.05)


def test_by_parseval_an_error_weighs_the_window_energy_more_in_complex_spectra_than_in_samples() -> None:
    stft = Stft()
    error = noise(3, 300_000)

    in_bins = magnitude_of(stft(error)).square().mean()
    in_samples = error.square().mean()

    assert float(in_bins / in_samples) == pytest.approx(float(stft.window_energy), rel=0.02)


def test_the_dual_loss_is_the_weighted_sum() -> None:
    estimate, target = Estimate.from_waveform(noise(1), STFT), noise(2)
    magnitude_term, waveform_term = magnitude_mse(estimate, target), waveform_mse(estimate, target)

    literal = dual(estimate, target, magnitude_weight=0.9, waveform_weight=0.1)

    torch.testing.assert_close(literal, 0.9 * magnitude_term + 0.1 * waveform_term)


def test_the_balanced_dual_loss_divides_magnitudes_by_the_window_energy_and_keeps_the_scale_of_the_whole() -> None:
    estimate, target = Estimate.from_waveform(noise(1), STFT), noise(2)
    magnitude_term, waveform_term = magnitude_mse(estimate, target), waveform_mse(estimate, target)
    energy = STFT.window_energy

    balanced = dual(estimate, target, magnitude_weight=0.9, waveform_weight=0.1, normalised=True)

    torch.testing.assert_close(balanced, energy * (0.9 * magnitude_term / energy + 0.1 * waveform_term))


def test_in_spectral_units_the_error_of_samples_is_the_error_of_complex_bins() -> None:
    stft = Stft()
    estimate, target = noise(3, 300_000), noise(4, 300_000)

    in_samples = waveform_mse(Estimate.from_waveform(estimate, stft), target, spectral_units=True)

    in_bins = (stft(estimate) - stft(target)).abs().square().mean()
    assert float(in_samples) == pytest.approx(float(in_bins), rel=0.02)


def test_the_literal_weights_leave_the_waveform_next_to_nothing_and_the_balanced_ones_a_share() -> None:
    stft = Stft()
    silence, target = Estimate.from_waveform(torch.zeros(1, 2, 200_000), stft), noise(4, 200_000)[:1]
    waveform_part = 0.1 * waveform_mse(silence, target)
    balanced_part = 0.1 * waveform_mse(silence, target, spectral_units=True)

    literal = dual(silence, target, magnitude_weight=0.9, waveform_weight=0.1)
    balanced = dual(silence, target, magnitude_weight=0.9, waveform_weight=0.1, normalised=True)

    assert float(waveform_part / literal) == pytest.approx(0.1 / (0.9 * 1536), rel=0.05)
    assert float(balanced_part / balanced) == pytest.approx(0.1, rel=0.05)


def test_losses_of_magnitudes_never_pay_for_the_inverse_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    target = noise(1)
    spectrogram = STFT(target)
    magnitude = magnitude_of(spectrogram)
    estimate = Estimate.from_mask(torch.full_like(magnitude, 0.5), spectrogram, magnitude, STFT, target.shape[-1])

    def refuse(*_: object) -> torch.Tensor:
        raise AssertionError("the inverse STFT was taken")

    monkeypatch.setattr(Stft, "inverse", refuse)
    magnitude_mse(estimate, target)
    magnitude_l1(estimate, target)
    with pytest.raises(AssertionError, match="inverse STFT"):
        waveform_mse(estimate, target)


def test_gradients_of_the_waveform_reach_the_mask_also_where_the_mixture_is_silent() -> None:
    mixture = torch.cat([noise(1), torch.zeros(2, 2, 3000)], dim=-1)
    spectrogram = STFT(mixture)
    magnitude = magnitude_of(spectrogram)
    mask = torch.full_like(magnitude, 0.5).requires_grad_()

    waveform_mse(Estimate.from_mask(mask, spectrogram, magnitude, STFT, 6000), mixture).backward()

    assert mask.grad is not None
    assert bool(mask.grad.isfinite().all())
    assert float(mask.grad.abs().sum()) > 0


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_float32_under_autocast(name: str) -> None:
    loss = each_loss()[name]
    estimate, target = noise(1), noise(2)

    plain = loss(Estimate.from_waveform(estimate, STFT), target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = loss(Estimate.from_waveform(estimate, STFT), target)

    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, plain)


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=list(VARIANTS))
def test_every_variant_has_a_loss_that_takes_its_settings(variant: Variant) -> None:
    loss = build_loss(variant)

    assert float(loss(Estimate.from_waveform(noise(1), STFT), noise(2))) > 0


def test_an_unknown_loss_and_settings_that_do_not_fit_are_named() -> None:
    with pytest.raises(UserError, match=r"no loss 'magnitude_mze': did you mean 'magnitude_mse'\?"):
        build_loss(variant_with("magnitude_mze"))
    with pytest.raises(UserError, match=r"'mine' does not fit the loss 'dual'.*waveform_weight"):
        build_loss(variant_with("dual", magnitude_weight=1.0))
    with pytest.raises(UserError, match=r"'mine' does not fit the loss 'magnitude_l1'.*power"):
        build_loss(variant_with("magnitude_l1", power=2.0))
