"""The multi-resolution STFT distance against auraloss, and against torch's STFT."""

import numpy as np
import pytest
import torch

from sepmodels.scoring.measure import Signals
from sepmodels.scoring.measures.mr_stft import RESOLUTIONS, mr_stft
from tests.scoring_material import RATE_HZ, music, separated


@pytest.fixture(scope="module")
def signals() -> Signals:
    reference = music(samples=3 * RATE_HZ)
    return Signals(reference[0] / 32_768, separated(reference)[0].astype(np.float64), reference[0] / 32_768, RATE_HZ)


def test_the_value_is_auraloss_s(signals: Signals) -> None:
    assert mr_stft(signals) == pytest.approx(0.794576, abs=1e-4)  # version 0.4.0 on these signals, in float32


def test_the_value_is_that_of_torch_s_spectrograms(signals: Signals) -> None:
    values = []
    for n_fft, hop, window in RESOLUTIONS:
        hann = torch.hann_window(window, dtype=torch.float64)
        true, made = (
            torch.stft(torch.from_numpy(one), n_fft, hop, window, hann, return_complex=True).abs().clamp(min=1e-4)
            for one in (signals.reference, signals.estimate)
        )
        values.append(torch.norm(true - made) / torch.norm(true) + (true.log() - made.log()).abs().mean())
    assert mr_stft(signals) == pytest.approx(float(sum(values) / 3), rel=1e-9)


def test_a_sound_shorter_than_half_a_transform_has_no_value(signals: Signals) -> None:
    short = Signals(signals.reference[:, :1000], signals.estimate[:, :1000], signals.mixture[:, :1000], RATE_HZ)
    assert np.isnan(mr_stft(short))
