"""What a model returns: an estimate of the vocals that can be read as a waveform or as magnitudes."""

from typing import Self

from torch import Tensor

from sepmodels.spectral import Stft, magnitude_of, with_phase


class Estimate:
    """An estimate of the target, in the form that the model made; the other form is made when it is first read.

    So a loss on magnitudes never pays for an inverse STFT, and one on the waveform of a time-domain model
    never for an STFT. Both forms are float32, whatever precision the model ran in, and gradients pass.
    """

    def __init__(
        self,
        stft: Stft,
        length: int,
        *,
        waveform: Tensor | None = None,
        magnitude: Tensor | None = None,
        mixture_spectrogram: Tensor | None = None,
    ) -> None:
        self._stft = stft
        self._length = length
        self._waveform = waveform
        self._magnitude = magnitude
        self._mixture_spectrogram = mixture_spectrogram

    @classmethod
    def from_magnitude(cls, magnitude: Tensor, mixture_spectrogram: Tensor, stft: Stft, length: int) -> Self:
        """An estimate by magnitudes, whose waveform borrows the phase of the mixture.

        Shape:
            magnitude ``(batch, channel, bin, frame)``, real and not negative; mixture_spectrogram the same,
            complex; ``length`` samples.
        """
        return cls(stft, length, magnitude=magnitude.float(), mixture_spectrogram=mixture_spectrogram)

    @classmethod
    def from_waveform(cls, waveform: Tensor, stft: Stft) -> Self:
        """An estimate by its waveform ``(batch, channel, sample)``, whose magnitudes are those of its STFT."""
        return cls(stft, waveform.shape[-1], waveform=waveform.float())

    @property
    def stft(self) -> Stft:
        """The transform that relates both forms."""
        return self._stft

    @property
    def waveform(self) -> Tensor:
        """``(batch, channel, sample)``, as long as the mixture."""
        if self._waveform is None:
            assert self._magnitude is not None
            assert self._mixture_spectrogram is not None
            spectrogram = with_phase(self._magnitude, self._mixture_spectrogram)
            self._waveform = self._stft.inverse(spectrogram, self._length)
        return self._waveform

    @property
    def magnitude(self) -> Tensor:
        """``(batch, channel, bin, frame)``."""
        if self._magnitude is None:
            assert self._waveform is not None
            self._magnitude = magnitude_of(self._stft(self._waveform))
        return self._magnitude

    def target_magnitude(self, target: Tensor) -> Tensor:
        """The magnitudes ``(batch, channel, bin, frame)`` of a target waveform, by the estimate's own STFT."""
        return magnitude_of(self._stft(target))
