"""Bleedless and fullness against the formulas of Music-Source-Separation-Training, in torch."""

import numpy as np
import pytest
import torch
import torchaudio

from sepmodels.scoring.measure import Signals
from sepmodels.scoring.measures.bleedless import bleedless
from sepmodels.scoring.measures.fullness import fullness
from tests.scoring_material import RATE_HZ, music, separated


def decibels(sound: np.ndarray) -> torch.Tensor:
    filters = torchaudio.functional.melscale_fbanks(2049, 0, RATE_HZ / 2, 512, RATE_HZ, "slaney", "slaney")
    wave = torch.from_numpy(sound).float()
    spectrum = torch.stft(
        wave, 4096, 1024, window=torch.hann_window(4096), pad_mode="constant", return_complex=True
    ).abs()
    return torchaudio.transforms.AmplitudeToDB(stype="magnitude", top_db=80)(filters.T @ spectrum)


@pytest.mark.parametrize("level", [1.0, 1e-7])
def test_both_are_the_mean_of_what_is_louder_and_of_what_is_quieter(level: float) -> None:
    reference = music(samples=RATE_HZ)
    signals = Signals(reference[0] / 32_768, level * separated(reference)[0], reference[0] / 32_768, RATE_HZ)
    difference = decibels(signals.estimate) - decibels(signals.reference)
    louder, quieter = difference[difference > 0], -difference[difference < 0]
    assert bleedless(signals) == pytest.approx(float(100 / (1 + (louder.mean() if louder.numel() else 0))), rel=1e-4)
    assert fullness(signals) == pytest.approx(float(100 / (1 + quieter.mean())), rel=1e-4)
