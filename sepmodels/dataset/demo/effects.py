"""What every sound of the demo is made with: oscillators, envelopes, filters, a room, a place between the ears."""

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal
from scipy.ndimage import uniform_filter1d

from sepmodels.audio import SAMPLE_RATE_HZ

TABLE_SIZE = 2048
Floats = NDArray[np.float64]


def sample_at(seconds: float) -> int:
    """The sample nearest to a time."""
    return round(seconds * SAMPLE_RATE_HZ)


def wave_table(amplitudes: Floats) -> Floats:
    """One period with the given amplitudes of its harmonics (from the first), closed for interpolation."""
    spectrum = np.zeros(TABLE_SIZE // 2 + 1, dtype=complex)
    spectrum[1 : len(amplitudes) + 1] = -0.5j * TABLE_SIZE * amplitudes
    period = np.fft.irfft(spectrum)
    return np.append(period, period[0])


def oscillate(frequency_hz: float | Floats, samples: int, amplitudes: Floats, phase: float = 0.0) -> Floats:
    """A periodic tone; harmonics above 16 kHz are left out, so nothing folds back.

    frequency_hz: a number, or one for each sample.
    amplitudes: of the harmonics, from the first.
    """
    highest = max(1, int(16_000 / np.max(frequency_hz)))
    table = wave_table(amplitudes[:highest])
    cycles = np.cumsum(np.broadcast_to(np.asarray(frequency_hz) / SAMPLE_RATE_HZ, samples)) + phase
    return np.interp((cycles % 1.0) * TABLE_SIZE, np.arange(TABLE_SIZE + 1), table)


def envelope(samples: int, attack_seconds: float, release_seconds: float, decay_seconds: float = np.inf) -> Floats:
    """Rise, exponential decay (time to 1/e), and a fall to 0 at the end."""
    time = np.arange(samples) / SAMPLE_RATE_HZ
    rise = np.minimum(time / attack_seconds, 1.0)
    fall = np.minimum((samples / SAMPLE_RATE_HZ - time) / release_seconds, 1.0)
    return np.asarray(rise * fall * np.exp(-time / decay_seconds))


def filtered(
    waveform: Floats, cutoff_hz: float | tuple[float, float], kind: Literal["lowpass", "highpass", "bandpass"]
) -> Floats:
    """Second-order Butterworth filter along the last axis."""
    return np.asarray(signal.sosfilt(_butterworth(cutoff_hz, kind), waveform))


@cache
def _butterworth(cutoff_hz: float | tuple[float, float], kind: str) -> Floats:
    return np.asarray(signal.butter(2, cutoff_hz, kind, fs=SAMPLE_RATE_HZ, output="sos"))


def add_at(track: Floats, start_samples: int, sound: Floats) -> None:
    """Add a sound into a track from a sample on, in place; what lies beyond the ends is cut off."""
    first = max(0, -start_samples)
    last = min(sound.shape[-1], track.shape[-1] - start_samples)
    if last > first:
        track[..., start_samples + first : start_samples + last] += sound[..., first:last]


def pan(mono: Floats, position: float) -> Floats:
    """Place a mono sound from -1 (left) to 1 (right) at constant power: (2, sample)."""
    angle = (position + 1) * np.pi / 4
    return np.stack([np.cos(angle) * mono, np.sin(angle) * mono])


def room_response(reverberation_seconds: float, generator: np.random.Generator) -> Floats:
    """The answer of a room to a click, (2, sample): noise that decays, the higher the faster; energy 1."""
    samples = sample_at(0.8 * reverberation_seconds)
    time = np.arange(samples) / SAMPLE_RATE_HZ
    noise = generator.standard_normal((2, samples))
    dark = filtered(noise, 2500.0, "lowpass")
    decay = 6.91 / reverberation_seconds  # ln(1000): 60 dB
    response = dark * np.exp(-decay * time) + 0.5 * (noise - dark) * np.exp(-2.2 * decay * time)
    before = np.zeros((2, sample_at(0.012)))
    response = np.concatenate([before, response], axis=1)
    return np.asarray(response / np.sqrt((response**2).sum(axis=1, keepdims=True)))


def in_room(dry: Floats, response: Floats, wet_db: float) -> Floats:
    """A stereo sound (2, sample) with its reverberation, ``wet_db`` below (negative) the sound itself."""
    send = dry.mean(axis=0, dtype=np.float32)
    wet = signal.oaconvolve(send[None], response.astype(np.float32), axes=1)[:, : dry.shape[1]]
    return np.asarray(dry + 10 ** (wet_db / 20) * np.sqrt(2) * wet)


def level(waveform: Floats) -> float:
    """Root of the mean square over all channels and samples."""
    return float(np.sqrt((waveform**2).mean()))


def levelled(waveform: Floats, ratio: float) -> Floats:
    """Bring loud and soft passages of (channel, sample) nearer, as a compressor does: levels in dB over ``ratio``.

    What is 25 dB below the whole or softer (a breath, a rest) is not brought up further.
    """
    power = uniform_filter1d((waveform**2).mean(axis=0), sample_at(0.1))
    whole = power.mean()
    gain = (np.maximum(power, whole * 10**-2.5) / whole) ** (0.5 * (1 / ratio - 1))
    return np.asarray(waveform * gain)
