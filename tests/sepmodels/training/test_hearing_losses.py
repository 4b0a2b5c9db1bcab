"""Losses closer to hearing: values known in closed form, what they do not hear, and their gradients."""

import math

import pytest
import torch
from torch import Tensor

from sepmodels.audio.stft import Stft
from sepmodels.models.estimate import Estimate, SpectrogramEstimate
from sepmodels.training.hearing_losses import (
    BANDS,
    CLEANEST,
    COEFFICIENTS,
    FAINTEST_ENERGY,
    _a_weights,
    _bark_bank,
    _mel_bank,
)
from sepmodels.training.losses import LOSSES
from tests.sepmodels.training.test_losses import noise

STFT = Stft()
LOGARITHMIC = ["log_magnitude_l1", "mel_l1", "bark_l1"]
HEARING = [
    *LOGARITHMIC,
    "mfcc_l1",
    "a_weighted_l1",
    "multi_resolution_l1",
    "si_sdr",
    "log_wmse",
]


def value(name: str, estimate: Tensor, target: Tensor) -> float:
    return float(LOSSES[name](Estimate.from_waveform(estimate, STFT), target))


def tone(hz: float, samples: int = 44_100) -> Tensor:
    return (0.1 * torch.sin(2 * torch.pi * hz * torch.arange(samples) / 44_100)).expand(1, 2, -1)


@pytest.mark.parametrize("name", LOGARITHMIC)
def test_twice_as_loud_is_off_by_the_logarithm_of_two(name: str) -> None:
    loud = 1000 * noise(1, 20_000)  # so that the floor under the logarithms is far below

    assert value(name, 2 * loud, loud) == pytest.approx(math.log(2), rel=0.01)


def test_twice_as_loud_moves_the_first_of_the_cepstral_coefficients_alone() -> None:
    loud = 1000 * noise(1, 20_000)

    expected = math.log(2) * math.sqrt(BANDS) / COEFFICIENTS
    assert value("mfcc_l1", 2 * loud, loud) == pytest.approx(expected, rel=0.02)


def test_an_orthogonal_error_has_the_si_sdr_of_their_energies() -> None:
    target, error = tone(441), 0.5 * tone(882)

    expected = 10 * math.log10(1 + 0.25 / CLEANEST)
    assert value("si_sdr", target + error, target) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("gain", [0.1, 2.0, 30.0])
def test_the_si_sdr_does_not_hear_how_loud_the_estimate_is(gain: float) -> None:
    target, other = noise(1, 20_000), noise(2, 20_000)
    mixed = target + 0.3 * other

    assert value("si_sdr", gain * mixed, target) == pytest.approx(value("si_sdr", mixed, target), rel=1e-3)


def test_the_weighted_error_of_noise_is_the_logarithm_of_its_weighted_energy() -> None:
    target, error = noise(1, 200_000), noise(2, 200_000)
    weighted = 0.01 * float((_a_weights(STFT.bins) ** 2).mean())

    assert value("log_wmse", target + error, target) == pytest.approx(
        math.log10(1 + weighted / FAINTEST_ENERGY), rel=0.01
    )


def test_an_error_of_one_kilohertz_weighs_as_in_plain_bins_and_a_deep_one_hardly_anything() -> None:
    silence = torch.zeros(1, 2, 44_100)

    def weighs(hz: float) -> float:
        return value("a_weighted_l1", tone(hz), silence) / value("spectrogram_l1", tone(hz), silence)

    assert weighs(1000) == pytest.approx(1, rel=0.03)
    assert weighs(50) < 0.1


def test_the_a_weights_are_those_of_the_standard() -> None:
    weights = _a_weights(44_101)[:, 0]  # half a hertz apart

    for hz, expected in ((100, -19.1), (500, -3.2), (1000, 0.0), (4000, 1.0), (10_000, -2.5)):
        assert 20 * math.log10(weights[2 * hz]) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("bank", [_mel_bank, _bark_bank])
def test_a_bank_gives_of_equal_bins_equal_bands_in_rising_order(bank) -> None:
    bands = torch.from_numpy(bank(STFT.bins))

    torch.testing.assert_close(bands.sum(dim=1), torch.ones(len(bands)))
    centres = (bands * torch.arange(STFT.bins)).sum(dim=1)
    assert bool((centres.diff() > 0).all())


@pytest.mark.parametrize("name", HEARING)
def test_a_step_against_the_gradient_brings_the_loss_down(name: str) -> None:
    target = noise(1, 9000)
    spectrogram = STFT(target + noise(2, 9000)).requires_grad_()
    before = LOSSES[name](SpectrogramEstimate(spectrogram, STFT, 9000), target)
    before.backward()

    assert spectrogram.grad is not None
    assert bool(torch.view_as_real(spectrogram.grad).isfinite().all())
    step = 0.01 * spectrogram.detach().norm() / spectrogram.grad.norm()
    moved = spectrogram.detach() - step * spectrogram.grad
    assert float(LOSSES[name](SpectrogramEstimate(moved, STFT, 9000), target)) < float(before.detach())


@pytest.mark.parametrize("name", HEARING)
@pytest.mark.parametrize("silent", ["target", "estimate", "both"])
def test_silence_gives_finite_values_and_gradients(name: str, silent: str) -> None:
    estimate = (0 if silent != "target" else 1) * noise(1, 9000)
    target = (0 if silent != "estimate" else 1) * noise(2, 9000)
    estimate.requires_grad_()

    loss = LOSSES[name](Estimate.from_waveform(estimate, STFT), target)
    loss.backward()

    assert float(loss.detach()) >= 0
    assert estimate.grad is not None
    assert bool(estimate.grad.isfinite().all())


@pytest.mark.parametrize("name", HEARING)
def test_a_target_that_is_silent_still_teaches_silence(name: str) -> None:
    silence = torch.zeros(2, 2, 9000)

    assert value(name, noise(1, 9000), silence) > value(name, 0.1 * noise(1, 9000), silence)
