import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sepmodels.audio.stft import Stft, magnitude_blocks, magnitude_of, masked


@settings(max_examples=60, deadline=None)
@given(samples=st.integers(1, 700), channels=st.integers(1, 2), seed=st.integers(0, 9))
def test_the_inverse_gives_back_a_waveform_of_any_length(samples: int, channels: int, seed: int) -> None:
    stft = Stft(n_fft=64, hop=16)
    waveform = torch.randn(3, channels, samples, generator=torch.Generator().manual_seed(seed))

    again = stft.inverse(stft(waveform), samples)

    torch.testing.assert_close(again, waveform, atol=2e-6, rtol=0)


def test_the_square_of_a_magnitude_is_the_window_energy_times_the_variance_of_noise() -> None:
    stft = Stft()
    noise = 0.1 * torch.randn(400_000, generator=torch.Generator().manual_seed(1))

    mean_square = magnitude_of(stft(noise)).square().mean()

    assert float(stft.window_energy) == pytest.approx(1536)
    assert float(mean_square) == pytest.approx(1536 * 0.01, rel=0.02)


def test_a_sine_is_seen_in_its_own_bin() -> None:
    stft = Stft(n_fft=1024, hop=256)
    sine = torch.sin(2 * torch.pi * 32 / 1024 * torch.arange(8192))

    magnitudes = magnitude_of(stft(sine))

    assert magnitudes[:, 8].argmax() == 32
    assert float(magnitudes[32, 8]) == pytest.approx(1024 / 4, rel=1e-3)  # amplitude 1/2, mean of the window 1/2


@settings(max_examples=40, deadline=None)
@given(samples=st.integers(1, 3000), block_frames=st.integers(1, 40))
def test_blocks_of_magnitudes_are_the_magnitudes_of_the_whole(samples: int, block_frames: int) -> None:
    stft = Stft(n_fft=64, hop=16)
    waveform = torch.randn(2, samples, generator=torch.Generator().manual_seed(samples))

    blocks = list(magnitude_blocks(stft, waveform, block_frames=block_frames))

    assert all(block.shape[-1] <= block_frames for block in blocks)
    torch.testing.assert_close(torch.cat(blocks, dim=-1), magnitude_of(stft(waveform)), atol=1e-5, rtol=0)


def test_a_mask_scales_and_keeps_the_phase() -> None:
    spectrogram = torch.tensor([3 + 4j, 0j, -2j], dtype=torch.complex64)

    scaled = masked(torch.tensor([2.0, 7.0, 0.5]), spectrogram)

    np.testing.assert_allclose(scaled.numpy(), [6 + 8j, 0, -1j], atol=1e-6)


def test_spectra_are_float32_from_half_precision_and_under_autocast() -> None:
    stft = Stft(n_fft=64, hop=16)
    waveform = torch.randn(2, 500).bfloat16()

    with torch.autocast("cpu", dtype=torch.bfloat16):
        spectrogram = stft(waveform)
        again = stft.inverse(spectrogram, 500)

    assert spectrogram.dtype == torch.complex64
    torch.testing.assert_close(again, waveform.float(), atol=2e-6, rtol=0)
