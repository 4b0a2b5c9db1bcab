"""Fewer segments of a song at once where memory is short."""

from collections.abc import Callable

import numpy as np
import torch

from sepmodels.machine.within_memory import in_halves
from sepmodels.marks import speed_only


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

        def processed(size: int) -> np.ndarray:
            parts = [process(segments[first : first + size]) for first in range(0, len(segments), size)]
            return parts[0] if len(parts) == 1 else np.concatenate(parts)

        return in_halves(
            processed,
            min(self.most or len(segments), len(segments)),
            self.device,
            halved=self._halved,
            too_much=f"A segment of {self.segment_seconds:g} s does not fit in the memory of {self.device}: lower "
            "separation.segment_seconds, or separate on another device.",
        )

    def _halved(self, most: int, _sentence: str) -> None:
        self.most = most
