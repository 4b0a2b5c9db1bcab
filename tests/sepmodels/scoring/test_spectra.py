"""Spectrograms and mel filters are those of torch, torchaudio and librosa."""

import numpy as np
import pytest
import torch
import torchaudio

from sepmodels.scoring import spectra
from sepmodels.scoring.spectra import magnitude_blocks, mel_filters
from tests.scoring_material import RATE_HZ, music


@pytest.mark.parametrize(
    ("n_fft", "hop", "window", "padding"), [(4096, 1024, None, "constant"), (512, 50, 240, "reflect")]
)
def test_magnitudes_are_torch_s_in_blocks_of_any_size(
    monkeypatch, n_fft: int, hop: int, window: int | None, padding: str
) -> None:
    monkeypatch.setattr(spectra, "_BLOCK_BYTES", 8 * n_fft * 2 * 7)
    sound = music(samples=RATE_HZ // 2)[0] / 32_768
    blocks = list(magnitude_blocks(sound, n_fft, hop, window, padding))
    assert max(block.shape[1] for block in blocks) == 7
    expected = torch.stft(
        torch.from_numpy(sound),
        n_fft,
        hop,
        window,
        torch.hann_window(window or n_fft, dtype=torch.float64),
        pad_mode=padding,
        return_complex=True,
    ).abs()
    np.testing.assert_allclose(np.concatenate(blocks, axis=1), expected.transpose(1, 2), atol=1e-9)


@pytest.mark.parametrize("rate", [44_100, 16_000])
def test_mel_filters_are_those_of_torchaudio_by_slaney(rate: int) -> None:
    expected = torchaudio.functional.melscale_fbanks(
        1025, 0, rate / 2, 128, rate, norm="slaney", mel_scale="slaney"
    ).numpy()
    np.testing.assert_allclose(mel_filters(rate, 2048, 128), expected, atol=1e-6)
