"""More augmentation, beside Open-Unmix's: what a batch goes through on its device, before the model hears it.

Each effect works on the two sources of every chunk, vocals and accompaniment, by itself, and the mixture is their sum
again. All draws come from torch's global generator, which is seeded by the step: a training that goes on draws the
same.
"""

import math
from collections.abc import Callable, Collection

import torch
import torch.nn.functional as F
import torchaudio.functional
from torch import Tensor

from sepmodels.audio import SAMPLE_RATE_HZ

MONO_SHARE = 0.2  # of the sources that become mono
BANDS, GAIN_DB, QUALITY = 3, 6.0, 0.7  # of the equaliser: peaks of at most so many dB, about two octaves wide
BAND_HZ = (80.0, 12_000.0)
FREQUENCIES = 4097  # at which its response is computed
SPEEDS = ((10, 9), (20, 19), (1, 1), (19, 20), (9, 10))  # samples before and after: up to a tenth faster or slower
LIMITED_SHARE, LEAST_CEILING = 0.3, 0.3  # of the chunks; of their peak
BLOCK = 128  # samples for which the limiter has a gain
MUTED_SHARES = (0.1, 0.05)  # of vocals, and of accompaniments

Sources = Tensor  # (batch, source, channel, sample), float32: vocals, accompaniment


def with_effects(mixture: Tensor, target: Tensor, names: Collection[str]) -> tuple[Tensor, Tensor]:
    """Mixture and vocals ``(batch, channel, sample)`` after the effects of these names, always in the same order."""
    sources = torch.stack([target, mixture - target], dim=1)
    for name, effect in EFFECTS.items():
        if name in names:
            sources = effect(sources)
    return sources.sum(dim=1), sources[:, 0]


def flip_polarity(sources: Sources) -> Sources:
    """Half of the sources upside down: they sound the same, and sum to another mixture."""
    return torch.where(_drawn(sources, 0.5), -sources, sources)


def make_mono(sources: Sources) -> Sources:
    """Some sources the same in both channels."""
    return torch.where(_drawn(sources, MONO_SHARE), sources.mean(dim=2, keepdim=True), sources)


def equalise(sources: Sources) -> Sources:
    """Each source through peaking biquads (Bristow-Johnson's cookbook) of random frequencies and gains.

    They are applied to the spectrum of the whole chunk, whose end and beginning so touch for some milliseconds: that is
    many times faster than running them sample by sample. Their response is computed every 5 Hz, and is a line between.
    """
    batch, count, _, samples = sources.shape
    low, high = (math.log(hz) for hz in BAND_HZ)
    centres = torch.exp(low + (high - low) * torch.rand(batch, count, BANDS))
    gains_db = GAIN_DB * (2 * torch.rand(batch, count, BANDS) - 1)
    response = peaking_response(centres.to(sources.device), gains_db.to(sources.device)).prod(dim=2)
    parts = torch.view_as_real(response).permute(0, 1, 3, 2).flatten(0, 1)
    real, imaginary = F.interpolate(parts, samples // 2 + 1, mode="linear", align_corners=True).unbind(dim=1)
    spectrum = torch.fft.rfft(sources) * torch.complex(real, imaginary).view(batch, count, 1, -1)
    equalised: Tensor = torch.fft.irfft(spectrum, n=samples)
    return equalised


def peaking_response(centres_hz: Tensor, gains_db: Tensor, frequencies: int = FREQUENCIES) -> Tensor:
    """The complex response of peaking biquads ``(..., frequency)``, at so many frequencies from 0 to the highest."""
    turns = math.pi * torch.arange(frequencies, device=centres_hz.device) / (frequencies - 1)
    delay = torch.polar(torch.ones_like(turns), -turns)  # z^-1
    centre = 2 * math.pi * centres_hz[..., None] / SAMPLE_RATE_HZ
    gain = 10 ** (gains_db[..., None] / 40)
    width = centre.sin() / (2 * QUALITY)
    middle = -2 * centre.cos() * delay
    above = (1 + width * gain) + middle + (1 - width * gain) * delay.square()
    below = (1 + width / gain) + middle + (1 - width / gain) * delay.square()
    response: Tensor = above / below
    return response


def change_speed(sources: Sources) -> Sources:
    """Each source at one of a few speeds, pitch and tempo together; what becomes shorter ends in silence."""
    batch, count, channels, samples = sources.shape
    flat = sources.flatten(0, 1)
    which = torch.randint(len(SPEEDS), (batch * count,)).to(sources.device)
    changed = torch.zeros_like(flat)
    for number, (before, after) in enumerate(SPEEDS):
        some = (which == number).nonzero()[:, 0]
        if len(some):
            resampled = torchaudio.functional.resample(flat[some], before, after)[..., :samples]
            changed[some] = F.pad(resampled, (0, samples - resampled.shape[-1]))
    return changed.view(batch, count, channels, samples)


def limit(sources: Sources) -> Sources:
    """Some chunks through a limiter, as finished songs are: where the mixture is loud, both sources are turned down.

    The gain is found for blocks of some milliseconds, from the peaks of each and its neighbours, and is a line between.
    """
    samples = sources.shape[-1]
    peaks = sources.sum(dim=1).abs().amax(dim=1)  # (batch, sample), of both channels together
    blocks = F.max_pool1d(peaks[:, None], BLOCK, ceil_mode=True)
    envelope = F.max_pool1d(blocks, 3, stride=1, padding=1)
    share = LEAST_CEILING + (1 - LEAST_CEILING) * torch.rand(len(sources), 1, 1).to(sources.device)
    ceiling = share * blocks.amax(dim=2, keepdim=True).clamp_min(1e-5)
    gain = F.interpolate(ceiling / envelope.maximum(ceiling), scale_factor=float(BLOCK), mode="linear")[..., :samples]
    limited = torch.rand(len(sources), 1, 1, 1).to(sources.device) < LIMITED_SHARE
    return torch.where(limited, sources * gain[:, None], sources)


def mute(sources: Sources) -> Sources:
    """Some vocals and some accompaniments silent, so that a model meets songs without a voice, and voices alone."""
    shares = torch.tensor(MUTED_SHARES)[None, :, None, None]
    muted = (torch.rand(len(sources), 2, 1, 1) < shares).to(sources.device)
    return sources.masked_fill(muted, 0.0)


EFFECTS: dict[str, Callable[[Sources], Sources]] = {
    "speed": change_speed,
    "equaliser": equalise,
    "polarity": flip_polarity,
    "mono": make_mono,
    "mute": mute,
    "limiter": limit,
}


def _drawn(sources: Sources, share: float) -> Tensor:
    """Which sources an effect takes, ``(batch, source, 1, 1)``."""
    drawn: Tensor = torch.rand(*sources.shape[:2], 1, 1) < share
    return drawn.to(sources.device)
