"""What a model returns, in each of its forms."""

import pytest
import torch
from torch import Tensor

from sepmodels.audio.stft import Stft, complex_of, magnitude_of, parts_of
from sepmodels.models.complex_mask import complex_product
from sepmodels.models.estimate import Estimate, SpectrogramEstimate
from sepmodels.separation.wiener import wiener_filter

STFT = Stft(n_fft=256, hop=64)
SAMPLES = 3000


def noise(seed: int) -> Tensor:
    return 0.1 * torch.randn(2, 2, SAMPLES, generator=torch.Generator().manual_seed(seed))


def estimates_of(vocals: Tensor) -> dict[str, Estimate]:
    """The same estimate, made in each way."""
    spectrogram = STFT(vocals)
    magnitude = magnitude_of(spectrogram)
    return {
        "waveform": Estimate.from_waveform(vocals, STFT),
        "mask": Estimate.from_mask(torch.ones_like(magnitude), spectrogram, magnitude, STFT, SAMPLES),
        "spectrogram": SpectrogramEstimate(spectrogram, STFT, SAMPLES),
    }


@pytest.mark.parametrize("made", ["waveform", "mask", "spectrogram"])
def test_all_forms_of_an_estimate_are_of_the_same_sound_however_it_was_made(made: str) -> None:
    vocals = noise(1)
    estimate = estimates_of(vocals)[made]

    torch.testing.assert_close(estimate.waveform, vocals, atol=1e-6, rtol=0)
    torch.testing.assert_close(estimate.spectrogram, STFT(vocals), atol=1e-5, rtol=0)
    torch.testing.assert_close(estimate.magnitude, STFT(vocals).abs(), atol=1e-5, rtol=0)


def test_gradients_of_each_form_reach_the_spectrogram_that_was_given() -> None:
    for form in ("waveform", "spectrogram", "magnitude"):
        spectrogram = STFT(noise(1)).requires_grad_()
        getattr(SpectrogramEstimate(spectrogram, STFT, SAMPLES), form).abs().sum().backward()

        assert spectrogram.grad is not None
        assert bool(spectrogram.grad.isfinite().all())
        assert float(spectrogram.grad.abs().sum()) > 0


def test_the_wiener_filter_takes_an_estimate_with_a_phase_of_its_own() -> None:
    mixture, vocals = noise(1), noise(2)
    estimate = SpectrogramEstimate(STFT(vocals), STFT, SAMPLES)

    filtered = wiener_filter(estimate.spectrogram, STFT(mixture + vocals), 1)

    assert filtered.shape == estimate.spectrogram.shape
    assert bool(torch.view_as_real(filtered).isfinite().all())


def test_the_parts_of_a_spectrogram_multiply_as_complex_numbers_do() -> None:
    first, second = STFT(noise(1)), STFT(noise(2))

    torch.testing.assert_close(complex_of(complex_product(parts_of(first), parts_of(second))), first * second)
