"""An architecture of a person's own: a module outside the project that has a ``Config`` and a ``Model``."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.errors import UserError, unknown_name
from sepmodels.models.estimate import Estimate
from sepmodels.systems.outside_code import outside_module, require_parts


@dataclasses.dataclass(frozen=True)
class Config:
    """module: the dotted name of the module. settings: keyword arguments of its own ``Config``."""

    module: str = ""
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Model(nn.Module):
    """The module's own model.

    Raises :class:`UserError` for a module that cannot be imported, or lacks one of the two, and for settings that its
    ``Config`` does not have.
    """

    def __init__(self, config: Config, statistics: BinStatistics | None, sample_rate_hz: int) -> None:
        super().__init__()
        own = outside_module(config.module)
        require_parts(own, "Config", "Model")
        known = [field.name for field in dataclasses.fields(own.Config)]
        if strange := [name for name in config.settings if name not in known]:
            raise unknown_name(f"setting of the architecture {config.module!r} called", strange[0], known)
        self.name = config.module
        self.model = own.Model(own.Config(**config.settings), statistics, sample_rate_hz)
        self.sample_rate_hz = self.model.sample_rate_hz

    def forward(self, mixture: Tensor) -> Estimate:
        """``(batch, 2, sample)`` -> the estimate of its vocals; raises :class:`UserError` where it is none."""
        estimate = self.model(mixture)
        if not isinstance(estimate, Estimate):
            raise UserError(
                f"The architecture {self.name!r} gives a {type(estimate).__name__}: its forward must return an "
                "Estimate, such as Estimate.from_waveform(vocals, stft)."
            )
        return estimate
