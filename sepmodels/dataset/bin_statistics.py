"""Mean and scale of the mixtures' magnitudes, per bin: how the masking models scale their input."""

from collections.abc import Iterable, Sized
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sepmodels.audio.stft import Stft, magnitude_blocks
from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.progress import Progress, silent

INT16_FULL_SCALE = 32_768


@dataclass(frozen=True)
class BinStatistics:
    """mean, scale: ``(bin,)``, float64; scale is positive."""

    mean: np.ndarray
    scale: np.ndarray


class _RunningMoments:
    """Mean and variance over frames that come in blocks (Chan, Golub and LeVeque 1979), in float64."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = np.zeros(1)
        self.deviations = np.zeros(1)  # the sum of squared deviations from the mean

    def add(self, block: np.ndarray) -> None:
        """Take in a block ``(bin, frame)``."""
        count = block.shape[1]
        mean = block.mean(axis=1)
        deviations = np.square(block - mean[:, None]).sum(axis=1)
        total = self.count + count
        shift = mean - self.mean
        self.mean = self.mean + shift * (count / total)
        self.deviations = self.deviations + deviations + shift**2 * (self.count * count / total)
        self.count = total


def bin_statistics(
    mixtures: Iterable[np.ndarray], *, n_fft: int = 4096, hop: int = 1024, progress: Progress = silent
) -> BinStatistics:
    """Mean and scale per bin over all frames of all mixtures, as Open-Unmix's training finds them.

    Magnitudes are averaged over channels first. The scale is the standard deviation, at least 1e-4 of the
    largest one, and 1 for a bin that never changes (as in scikit-learn's ``StandardScaler``). One block of one
    track is in memory at a time.

    Shape:
        mixtures: int16 ``(channel, sample)`` each.

    Raises :class:`UserError` when there are no mixtures.
    """
    stft = Stft(n_fft, hop)
    moments = _RunningMoments()
    total = len(mixtures) if isinstance(mixtures, Sized) else 0
    for done, mixture in enumerate(mixtures, start=1):
        waveform = torch.from_numpy(np.asarray(mixture, dtype=np.float32) / INT16_FULL_SCALE)
        for block in magnitude_blocks(stft, waveform):
            moments.add(block.mean(dim=0).double().numpy())
        progress(done, max(done, total), "track")
    if moments.count == 0:
        raise UserError("There are no mixtures to take statistics of: the training split needs at least one track.")
    deviation = np.sqrt(moments.deviations / moments.count)
    scale = np.where(deviation > 0, deviation, 1.0)
    return BinStatistics(moments.mean, np.maximum(scale, 1e-4 * scale.max()))


def write_statistics(path: Path, statistics: BinStatistics, *, sample_rate_hz: int = 44_100) -> None:
    """Write a Parquet file with a row per bin: bin, frequency_hz, mean, scale."""
    bins = len(statistics.mean)
    table = pd.DataFrame(
        {
            "bin": np.arange(bins),
            "frequency_hz": np.linspace(0, sample_rate_hz / 2, bins),
            "mean": statistics.mean,
            "scale": statistics.scale,
        }
    )
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False)


def read_statistics(path: Path) -> BinStatistics:
    """Read what :func:`write_statistics` wrote.

    Raises :class:`UserError` for a file that is missing, damaged or of another kind.
    """
    try:
        table = pd.read_parquet(path, columns=["mean", "scale"])
    except (OSError, ValueError, KeyError) as problem:
        raise UserError(f"{path} cannot be read as bin statistics ({problem}): make the statistics again.") from None
    return BinStatistics(table["mean"].to_numpy(np.float64), table["scale"].to_numpy(np.float64))
