"""A complex mask on the mixture's spectrogram: what architectures share that model the phase of the vocals, too."""

import torch
from torch import Tensor, nn

from sepmodels.audio.stft import Stft, complex_of, parts_of
from sepmodels.models.estimate import Estimate, SpectrogramEstimate

CHANNELS = 2
PARTS = 2  # of a complex number: real and imaginary


class ComplexMaskModel(nn.Module):
    """The vocals as the mixture's bins times a complex mask, which turns their phase and may raise them.

    A real mask keeps the mixture's phase and cannot give more than the mixture has; of MUSDB18's bins 22 % want a mask
    above 1 (Kong et al. 2021, "Decoupling magnitude and phase estimation"). A subclass says what the mask is, in real
    numbers throughout, so that it can be compiled and exported.
    """

    def __init__(self, n_fft: int, hop: int, sample_rate_hz: int) -> None:
        super().__init__()
        self.sample_rate_hz = sample_rate_hz
        self.stft = Stft(n_fft, hop)

    def mask(self, parts: Tensor) -> Tensor:
        """The complex mask.

        Shape:
            parts: of the mixture's spectrogram, ``(batch, channel, 2, bin, frame)``, real and imaginary -> the same
            shape, of the mask.
        """
        raise NotImplementedError

    def forward(self, mixture: Tensor) -> Estimate:
        """The vocals in a mixture ``(batch, channel, sample)`` of two channels."""
        parts = parts_of(self.stft(mixture))
        vocals = complex_of(complex_product(self.mask(parts).float(), parts))
        return SpectrogramEstimate(vocals, self.stft, mixture.shape[-1])


def complex_product(first: Tensor, second: Tensor) -> Tensor:
    """The product of complex numbers given by their parts, ``(batch, channel, 2, bin, frame)``.

    >>> i = torch.tensor([0.0, 1.0]).view(1, 1, 2, 1, 1)
    >>> complex_product(i, i).flatten().tolist()
    [-1.0, 0.0]
    """
    (a, b), (c, d) = first.unbind(2), second.unbind(2)
    return torch.stack([a * c - b * d, a * d + b * c], dim=2)
