"""A band-split RNN: one LSTM along time and one along bands, in turns, make a complex mask (Luo and Yu 2023)."""

from dataclasses import dataclass

from torch import Tensor, nn

from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.models.band_split import BandMask, BandSplit, band_widths
from sepmodels.models.complex_mask import ComplexMaskModel
from sepmodels.models.lstm import run_lstm


@dataclass(frozen=True)
class Config:
    """The network.

    n_fft, hop: the STFT. bands: into which its bins are split.
    features: of each band. layers: pairs of LSTMs. hidden: of each direction of an LSTM.
    mask_hidden: of the small network that makes a band's part of the mask.
    """

    n_fft: int = 4096
    hop: int = 1024
    bands: int = 28
    features: int = 48
    layers: int = 4
    hidden: int = 48
    mask_hidden: int = 96


class Model(ComplexMaskModel):
    """The band-split RNN. It takes no bin statistics: each band is divided by its own level."""

    def __init__(self, config: Config, statistics: BinStatistics | None, sample_rate_hz: int) -> None:  # noqa: ARG002
        super().__init__(config.n_fft, config.hop, sample_rate_hz)
        widths = band_widths(config.bands, config.n_fft, sample_rate_hz)
        self.split = BandSplit(widths, config.features)
        self.layers = nn.ModuleList(_Layer(config.features, config.hidden) for _ in range(config.layers))
        self.estimate_mask = BandMask(widths, config.features, config.mask_hidden)

    def mask(self, parts: Tensor) -> Tensor:
        """The complex mask; see :meth:`ComplexMaskModel.mask`."""
        x = self.split(parts)
        for layer in self.layers:
            x = layer(x)
        mask: Tensor = self.estimate_mask(x)
        return mask


class _Layer(nn.Module):
    """``(batch, band, frame, feature)`` -> the same shape: along time within each band, then along bands."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.along_time = _Sequence(features, hidden)
        self.along_bands = _Sequence(features, hidden)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.along_time(x.permute(2, 0, 1, 3)).permute(1, 2, 0, 3)
        along: Tensor = x + self.along_bands(x.permute(1, 0, 2, 3)).permute(1, 0, 2, 3)
        return along


class _Sequence(nn.Module):
    """A bidirectional LSTM along the first axis of ``(step, batch, other, feature)`` -> the same shape."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.lstm = nn.LSTM(features, hidden, bidirectional=True)
        self.output = nn.Linear(2 * hidden, features)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.output(run_lstm(self.lstm, self.norm(x).flatten(1, 2)))
        return found.view_as(x)
