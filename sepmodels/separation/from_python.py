"""Separation for whoever calls it from Python: a model file, and arrays of their own."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike

from sepmodels.errors import UserError
from sepmodels.models.model_file import load_model
from sepmodels.separation.separate import separate_song
from sepmodels.settings import SeparationSettings


class ModelSeparator:
    """A trained model that separates arrays, as ``sepbench separate --model FILE`` does files.

    variant: what the file says of the model: its name, architecture, settings and target.
    """

    def __init__(
        self,
        file: str | Path,
        *,
        wiener_iterations: int = 0,
        device: str | torch.device = "cpu",
        settings: SeparationSettings | None = None,
    ) -> None:
        """file: a ``model.safetensors`` that sepbench wrote; nothing is unpickled.

        wiener_iterations: of the multichannel Wiener filter, of which the file knows nothing. settings: how songs are
        cut into segments.

        Raises :class:`UserError` where it is missing, damaged or not one of this project's.
        """
        self._model, self.variant = load_model(Path(file), device=device)
        self._wiener_iterations = wiener_iterations
        self._device = device
        self._settings = settings or SeparationSettings()

    def __call__(self, mixture: ArrayLike, sample_rate_hz: int) -> np.ndarray:
        """The model's target (vocals, unless it was trained for another); the mixture minus it is the rest.

        mixture: an array, or what numpy makes one of.

        Raises :class:`UserError` for other types and shapes, samples that are not finite, and memory that is too small.

        Shape:
            mixture ``(channel, sample)``, float in [-1, 1], one or two channels, of any sample rate in Hz -> float32
            of the same shape.
        """
        try:
            waveform = np.asarray(mixture)
        except (TypeError, ValueError, RuntimeError) as fault:  # the last one is torch's
            raise UserError(f"The mixture cannot be made an array of numpy: {fault}") from fault
        if waveform.ndim != 2 or not np.issubdtype(waveform.dtype, np.floating):
            raise UserError(
                f"A mixture of shape {waveform.shape} and type {waveform.dtype} cannot be separated: give floats in "
                "[-1, 1] as (channel, sample)."
            )
        return separate_song(
            self._model,
            waveform.astype(np.float32, copy=False),
            sample_rate_hz,
            self._settings,
            wiener_iterations=self._wiener_iterations,
            device=self._device,
        )
