"""The multichannel Wiener filter that refines an estimate by what both channels say together.

Each source is a Gaussian of a power per bin and frame and a spatial covariance per bin; both are measured on the
present estimates, and the mixture is separated again with them (Duong, Vincent and Gribonval 2010; Nugraha,
Liutkus and Vincent 2016, whose simplified updates ``norbert`` and ``openunmix`` use, and we with them).
"""

import torch
from torch import Tensor

WINDOW_FRAMES = 300  # openunmix's: a source is taken to stay where it is for about seven seconds
_EPS = 1e-10
_SCALE = 10.0


def wiener_filter(estimate: Tensor, mixture: Tensor, iterations: int, *, window_frames: int = WINDOW_FRAMES) -> Tensor:
    """The target after some iterations of expectation and maximisation; the other source is the residual.

    As ``openunmix.model.Separator(niter=iterations, residual=True)``: windows of frames are filtered by
    themselves, so that memory is that of one window. It is computed in double precision, because the covariance
    of a nearly monophonic mixture is nearly singular.

    Shape:
        estimate, mixture: complex ``(batch, 2, bin, frame)`` -> the same, complex64. With no iterations the
        estimate itself.
    """
    if iterations == 0:
        return estimate
    filtered = torch.empty_like(estimate)
    for first in range(0, estimate.shape[-1], window_frames):
        window = slice(first, first + window_frames)
        filtered[..., window] = _filter_window(estimate[..., window], mixture[..., window], iterations)
    return filtered


def _filter_window(estimate: Tensor, mixture: Tensor, iterations: int) -> Tensor:
    loudest = mixture.abs().amax(dim=(1, 2, 3), keepdim=True).double()
    scale = (loudest / _SCALE).clamp_min(1.0)
    mixture = mixture.to(torch.complex128) / scale
    target = estimate.to(torch.complex128) / scale
    sources = [target, mixture - target]
    for _ in range(iterations):
        sources = _separate_again(sources, mixture)
    return (sources[0] * scale).to(torch.complex64)


def _separate_again(sources: list[Tensor], mixture: Tensor) -> list[Tensor]:
    """One iteration: the power and place of each source, and the mixture through the gains that follow from all."""
    powers = [source.abs().square().mean(dim=1) for source in sources]  # (batch, bin, frame)
    places = [_spatial_covariance(source, power) for source, power in zip(sources, powers, strict=True)]
    left, right, cross = (
        sum((power * place[entry] for power, place in zip(powers, places, strict=True)), start=floor)
        for entry, floor in enumerate((torch.tensor(_EPS**0.5), torch.tensor(_EPS**0.5), torch.tensor(0.0)))
    )
    x, y = mixture.unbind(dim=1)
    determinant = left * right - cross.abs().square()
    white_x = (right * x - cross * y) / determinant  # the inverse covariance of the mixture, times the mixture
    white_y = (left * y - cross.conj() * x) / determinant
    separated = []
    for power, (left, right, cross) in zip(powers, places, strict=True):
        channels = [left * white_x + cross * white_y, cross.conj() * white_x + right * white_y]
        separated.append(power[:, None] * torch.stack(channels, dim=1))
    return separated


def _spatial_covariance(source: Tensor, power: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of each bin, ``(batch, bin, 1)``: the energy left and right (real) and their product, over the power."""
    x, y = source.unbind(dim=1)
    weight = _EPS + power.sum(dim=-1, keepdim=True)
    left, right = (channel.abs().square().sum(dim=-1, keepdim=True) / weight for channel in (x, y))
    return left, right, (x * y.conj()).sum(dim=-1, keepdim=True) / weight
