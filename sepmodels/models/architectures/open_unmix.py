"""Open-Unmix: three bidirectional LSTM layers make a soft mask (Stöter, Uhlich, Liutkus and Mitsufuji 2019)."""

from dataclasses import dataclass

from torch import Tensor, nn

from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.models.architectures.masking import MaskingConfig, MaskingModel
from sepmodels.models.lstm import run_lstm


@dataclass(frozen=True)
class Config(MaskingConfig):
    """layers, dropout: of the LSTM. unidirectional: look only back, for use in real time."""

    layers: int = 3
    dropout: float = 0.4
    unidirectional: bool = False

    def __post_init__(self) -> None:
        if self.hidden % 2 and not self.unidirectional:
            raise ValueError(f"hidden ({self.hidden}) must be even: each direction of the LSTM makes half of it")


class Model(MaskingModel):
    """Open-Unmix as published (version 1.3.0 of ``openunmix``); 8,893,348 parameters by default."""

    def __init__(self, config: Config, statistics: BinStatistics | None, sample_rate_hz: int) -> None:
        super().__init__(config, statistics, sample_rate_hz)
        self.lstm = nn.LSTM(
            input_size=config.hidden,
            hidden_size=config.hidden if config.unidirectional else config.hidden // 2,
            num_layers=config.layers,
            bidirectional=not config.unidirectional,
            dropout=config.dropout if config.layers > 1 else 0.0,
        )

    def sequence(self, frames: Tensor) -> Tensor:
        """``(frame, batch, hidden)`` -> the same shape."""
        return run_lstm(self.lstm, frames)
