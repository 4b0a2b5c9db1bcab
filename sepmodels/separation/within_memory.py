"""Fewer segments at once where memory is short."""

import logging
from collections.abc import Callable

import numpy as np
import torch

from sepmodels.errors import UserError
from sepmodels.machine.devices import out_of_memory, return_freed_memory
from sepmodels.marks import speed_only

LOG = logging.getLogger(__name__)


@speed_only
class WithinMemory:
    """Calls a function of a batch of segments, in smaller parts once memory was too short for all."""

    def __init__(self, device: torch.device, segment_seconds: float) -> None:
        self.device = device
        self.segment_seconds = segment_seconds
        self.most: int | None = None  # segments at once

    def __call__(self, process: Callable[[np.ndarray], np.ndarray], segments: np.ndarray) -> np.ndarray:
        """What ``process`` makes of the segments ``(batch, channel, sample)``, side by side.

        Raises :class:`UserError` when one of them alone is too much.
        """
        while True:
            size = min(self.most or len(segments), len(segments))
            try:
                parts = [process(segments[first : first + size]) for first in range(0, len(segments), size)]
                return parts[0] if len(parts) == 1 else np.concatenate(parts)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
            self._halve(size)

    def _halve(self, size: int) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        else:
            return_freed_memory()
        if size == 1:
            raise UserError(
                f"A segment of {self.segment_seconds:g} s does not fit in the memory of {self.device}: lower "
                "separation.segment_seconds, or separate on another device."
            )
        self.most = max(1, size // 2)
        LOG.warning("Out of memory: from now on %d of %d segments go through the model at once.", self.most, size)
