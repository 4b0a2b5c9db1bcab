"""Short-time Fourier transforms: the only caller of ``torch.stft`` and ``torch.istft``."""

from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor, nn

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def _not_compiled(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Keep a function out of ``torch.compile``, which makes no code for complex numbers and warns of them."""
    disabled: Callable[_Arguments, _Result] = torch.compiler.disable(function)  # type: ignore[no-untyped-call]
    return disabled


class Stft(nn.Module):
    """The centred STFT of Open-Unmix, and its inverse.

    A periodic Hann window of ``n_fft`` samples every ``hop`` samples, reflection at both ends, no
    normalisation: for white noise of variance v, ``E|X|^2 = window_energy * v``. It is made in float32
    whatever the input and under autocast, because half precision loses the quiet bins.

    Shape:
        waveform ``(..., sample)``, any length from 1 -> spectrogram ``(..., bin, frame)``, complex64, with
        ``n_fft // 2 + 1`` bins.

    >>> stft = Stft(n_fft=64, hop=16)
    >>> waveform = torch.randn(2, 100)
    >>> spectrogram = stft(waveform)
    >>> tuple(spectrogram.shape)
    (2, 33, 7)
    >>> torch.allclose(stft.inverse(spectrogram, 100), waveform, atol=1e-6)
    True
    """

    window: Tensor

    def __init__(self, n_fft: int = 4096, hop: int = 1024) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.hop = hop
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    @property
    def bins(self) -> int:
        """The number of frequency rows."""
        return self.n_fft // 2 + 1

    @property
    def window_energy(self) -> Tensor:
        """The sum of the squared window: by how much the squared magnitude of white noise exceeds its variance."""
        return self.window.square().sum()

    @_not_compiled
    def forward(self, waveform: Tensor) -> Tensor:
        """``(..., sample)`` -> ``(..., bin, frame)``; a waveform too short to be reflected is padded with zeros."""
        shortest = self.n_fft // 2 + 1
        padded = nn.functional.pad(waveform.float(), (0, max(0, shortest - waveform.shape[-1])))
        spectrogram = torch.stft(
            padded.reshape(-1, padded.shape[-1]),
            self.n_fft,
            self.hop,
            window=self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        return spectrogram.reshape(*waveform.shape[:-1], *spectrogram.shape[-2:])

    @_not_compiled
    def inverse(self, spectrogram: Tensor, length: int) -> Tensor:
        """``(..., bin, frame)`` -> ``(..., sample)`` with ``length`` samples, by weighted overlap-add."""
        waveform = torch.istft(
            spectrogram.reshape(-1, *spectrogram.shape[-2:]),
            self.n_fft,
            self.hop,
            window=self.window,
            center=True,
            length=length,
        )
        return waveform.reshape(*spectrogram.shape[:-2], length)


@_not_compiled
def magnitude_of(spectrogram: Tensor) -> Tensor:
    """The magnitude of a complex spectrogram, of the same shape, in float32."""
    return spectrogram.abs()


@_not_compiled
def masked(mask: Tensor, spectrogram: Tensor) -> Tensor:
    """A complex spectrogram whose bins are multiplied by a real mask of the same shape."""
    return mask * spectrogram


@_not_compiled
def parts_of(spectrogram: Tensor) -> Tensor:
    """A complex spectrogram ``(batch, channel, bin, frame)`` as real numbers: ``(batch, channel, 2, bin, frame)``.

    The real part stands first, the imaginary part second.
    """
    return torch.stack([spectrogram.real, spectrogram.imag], dim=2)


@_not_compiled
def complex_of(parts: Tensor) -> Tensor:
    """The spectrogram whose :func:`parts_of` these are."""
    return torch.complex(*parts.unbind(2))


def magnitude_blocks(stft: Stft, waveform: Tensor, *, block_frames: int = 1024) -> Iterator[Tensor]:
    """The magnitudes of a long waveform ``(..., sample)``, some frames at a time: ``(..., bin, frame)`` each.

    Side by side they are the magnitudes of the whole, while the memory in use is that of one block: a block
    is cut with one window of context at either side, and the frames that saw a cut are dropped.
    """
    samples = waveform.shape[-1]
    context = -(-stft.n_fft // stft.hop)  # frames whose windows may reach over a cut
    frames = 1 + max(samples, stft.n_fft // 2 + 1) // stft.hop
    for first in range(0, frames, block_frames):
        last = min(first + block_frames, frames)
        left = max(0, first - context)
        right = samples if last == frames else min(samples, (last + context) * stft.hop)
        block = stft(waveform[..., left * stft.hop : right])
        yield magnitude_of(block[..., first - left : last - left])
