from pathlib import Path

import numpy as np
import pytest
import torch

from sepmodels.audio.stft import Stft, magnitude_of
from sepmodels.dataset.bin_statistics import BinStatistics, bin_statistics, read_statistics, write_statistics
from sepmodels.errors import UserError

StandardScaler = pytest.importorskip("sklearn.preprocessing", reason="scikit-learn comes with openunmix").StandardScaler


def mixture(seed: int, samples: int) -> np.ndarray:
    """Coloured noise of two channels, louder in its second half."""
    rng = np.random.default_rng(seed)
    white = rng.standard_normal((2, samples)) * np.linspace(200, 4000, samples)
    return np.cumsum(white, axis=1).clip(-30_000, 30_000).astype(np.int16)


def test_mean_and_scale_are_those_of_scikit_learn_over_all_frames_of_all_mixtures() -> None:
    mixtures = [mixture(1, 150_000), mixture(2, 90_001), mixture(3, 500)]
    scaler = StandardScaler()
    for one in mixtures:
        waveform = torch.from_numpy(one.astype(np.float32) / 32_768)
        scaler.partial_fit(magnitude_of(Stft()(waveform)).mean(dim=0).T.double().numpy())

    statistics = bin_statistics(mixtures)

    np.testing.assert_allclose(statistics.mean, scaler.mean_, rtol=1e-6)
    floor = 1e-4 * scaler.scale_.max()
    np.testing.assert_allclose(statistics.scale, np.maximum(scaler.scale_, floor), rtol=1e-6)


def test_bins_that_hardly_change_are_not_blown_up() -> None:
    time = np.arange(100_000)
    swelling = (np.sin(2 * np.pi * 100 / 4096 * time) * time / 5).astype(np.int16)

    statistics = bin_statistics([np.stack([swelling, swelling])])

    assert statistics.scale.max() / statistics.scale.min() <= 1e4 * (1 + 1e-9)


def test_silence_has_mean_zero_and_scale_one() -> None:
    statistics = bin_statistics([np.zeros((2, 10_000), np.int16)])

    assert not statistics.mean.any()
    assert (statistics.scale == 1).all()


def test_mixtures_may_come_from_a_generator_and_each_is_told_of() -> None:
    told = []

    bin_statistics((mixture(i, 9000) for i in range(3)), progress=lambda *args, **_: told.append(args))

    assert told == [(1, 1, "track"), (2, 2, "track"), (3, 3, "track")]


def test_no_mixture_at_all_is_an_error_that_says_so() -> None:
    with pytest.raises(UserError, match="at least one track"):
        bin_statistics([])


def test_what_is_written_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    statistics = BinStatistics(np.linspace(0, 1, 2049) ** 3, np.linspace(1, 2, 2049) ** 0.5)

    write_statistics(tmp_path / "statistics.parquet", statistics)
    again = read_statistics(tmp_path / "statistics.parquet")

    np.testing.assert_array_equal(again.mean, statistics.mean)
    np.testing.assert_array_equal(again.scale, statistics.scale)


def test_a_file_that_is_no_statistics_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.parquet"
    wrong.write_bytes(b"not parquet at all")

    with pytest.raises(UserError, match=r"wrong\.parquet"):
        read_statistics(wrong)
    with pytest.raises(UserError, match=r"absent\.parquet"):
        read_statistics(tmp_path / "absent.parquet")
