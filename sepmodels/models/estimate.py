"""What a model returns: an estimate of the vocals that can be read as a waveform, a spectrogram or magnitudes."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from sepmodels.audio.stft import Stft, magnitude_of, masked


@dataclass(frozen=True)
class _Masked:
    """A mask, and what it multiplies: all ``(batch, channel, bin, frame)``."""

    mask: Tensor
    spectrogram: Tensor
    magnitude: Tensor


class Estimate:
    """An estimate of the target, in the form that the model made; another form is made when it is first read.

    So a loss on magnitudes never pays for an inverse STFT, and one on the waveform of a time-domain model
    never for an STFT. All forms are float32, whatever precision the model ran in, and gradients pass.
    """

    def __init__(
        self, stft: Stft, length: int, *, waveform: Tensor | None = None, masked_mixture: _Masked | None = None
    ) -> None:
        self._stft = stft
        self._length = length
        self._waveform = waveform
        self._masked_mixture = masked_mixture
        self._magnitude: Tensor | None = None

    @classmethod
    def from_mask(cls, mask: Tensor, spectrogram: Tensor, magnitude: Tensor, stft: Stft, length: int) -> Self:
        """An estimate by the mask that multiplies the mixture's bins, and so keeps their phase.

        Shape:
            mask ``(batch, channel, bin, frame)``, real and not negative; the mixture's spectrogram, complex, and
            its magnitude, which a model has at hand, the same; ``length`` samples.
        """
        return cls(stft, length, masked_mixture=_Masked(mask.float(), spectrogram, magnitude))

    @classmethod
    def from_waveform(cls, waveform: Tensor, stft: Stft) -> Self:
        """An estimate by its waveform ``(batch, channel, sample)``, whose spectrogram is its STFT."""
        return cls(stft, waveform.shape[-1], waveform=waveform.float())

    @property
    def stft(self) -> Stft:
        """The transform that relates the forms."""
        return self._stft

    @property
    def waveform(self) -> Tensor:
        """``(batch, channel, sample)``, as long as the mixture."""
        if self._waveform is None:
            self._waveform = self._stft.inverse(self.spectrogram, self._length)
        return self._waveform

    @property
    def spectrogram(self) -> Tensor:
        """``(batch, channel, bin, frame)``, complex."""
        if self._masked_mixture is not None:
            return masked(self._masked_mixture.mask, self._masked_mixture.spectrogram)
        assert self._waveform is not None
        spectrogram: Tensor = self._stft(self._waveform)
        return spectrogram

    @property
    def magnitude(self) -> Tensor:
        """``(batch, channel, bin, frame)``."""
        if self._magnitude is None:
            if self._masked_mixture is not None:
                self._magnitude = self._masked_mixture.mask * self._masked_mixture.magnitude
            else:
                self._magnitude = magnitude_of(self.spectrogram)
        return self._magnitude

    def target_magnitude(self, target: Tensor) -> Tensor:
        """The magnitudes ``(batch, channel, bin, frame)`` of a target waveform, by the estimate's own STFT."""
        return magnitude_of(self._stft(target))


class SpectrogramEstimate(Estimate):
    """An estimate by its own complex spectrogram, whose phase need not be the mixture's.

    Losses, separation and the Wiener filter read it as any other. It is a class of its own, so that what models with
    real masks were trained by stays as it was.
    """

    def __init__(self, spectrogram: Tensor, stft: Stft, length: int) -> None:
        """spectrogram: ``(batch, channel, bin, frame)``, complex64; length: in samples."""
        super().__init__(stft, length)
        self._spectrogram = spectrogram

    @property
    def spectrogram(self) -> Tensor:
        """``(batch, channel, bin, frame)``, complex, as the model made it."""
        return self._spectrogram
