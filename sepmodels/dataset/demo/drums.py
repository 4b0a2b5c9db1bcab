"""A drum kit, made of sines that fall and noise that dies away, and the patterns that it plays."""

from collections.abc import Callable
from functools import partial

import numpy as np

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.dataset.demo.effects import Floats, add_at, envelope, filtered, pan, sample_at
from sepmodels.dataset.demo.plans import SongPlan

STEPS = 16  # sixteenth notes of a bar of four beats
# One digit a step: 0 is silence, 9 a full stroke.
GROOVES = {
    "rock": {
        "kick": "9000 0000 9060 0000",
        "snare": "0000 9000 0000 9002",
        "closed_hat": "7040 6040 7040 6040",
        "open_hat": "0000 0000 0000 0050",
    },
    "four_on_the_floor": {
        "kick": "9000 9000 9000 9000",
        "clap": "0000 8000 0000 8000",
        "closed_hat": "4020 4030 4020 4033",
        "open_hat": "0050 0050 0050 0050",
    },
    "half_time": {
        "kick": "9000 0040 0060 0000",
        "snare": "0000 0000 9000 0000",
        "closed_hat": "6343 5343 6343 5353",
        "tom": "0000 0000 0000 0056",
    },
    "shuffle": {
        "kick": "9000 0060 0900 0000",
        "snare": "0002 9000 0200 9000",
        "closed_hat": "6003 6003 6003 6003",
        "tom": "0000 0000 0000 0050",
    },
}
PLACES = {"kick": 0.0, "snare": 0.05, "clap": -0.1, "closed_hat": 0.35, "open_hat": 0.35, "tom": -0.4}


def drum_track(plan: SongPlan, samples: int, generator: np.random.Generator) -> Floats:
    """The song's groove, bar after bar, (2, samples): no two strokes quite alike in time and strength."""
    track = np.zeros((2, samples))
    step_seconds = plan.beat_seconds / 4
    for drum, pattern in GROOVES[plan.groove].items():
        strengths = [int(digit) / 9 for digit in pattern.replace(" ", "")]
        for step in range(plan.beats * 4):
            strength = strengths[step % STEPS]
            if strength:
                stroke = DRUMS[drum](generator) * strength * generator.uniform(0.85, 1.0)
                start_seconds = step * step_seconds + max(0.0, generator.normal(0.002, 0.003))
                add_at(track, sample_at(start_seconds), pan(stroke, PLACES[drum]))
    add_at(track, sample_at(plan.beats * plan.beat_seconds), pan(0.8 * DRUMS["kick"](generator), 0.0))
    return track


def _falling_sine(seconds: float, from_hz: float, to_hz: float, fall_seconds: float) -> Floats:
    """A sine whose pitch drops at once and whose loudness dies away."""
    samples = sample_at(seconds)
    time = np.arange(samples) / SAMPLE_RATE_HZ
    frequency_hz = to_hz + (from_hz - to_hz) * np.exp(-time / fall_seconds)
    return np.sin(2 * np.pi * np.cumsum(frequency_hz) / SAMPLE_RATE_HZ) * envelope(samples, 0.001, 0.02, seconds / 4)


def _kick(generator: np.random.Generator) -> Floats:
    body = _falling_sine(0.4, 170, 48, 0.035)
    add_at(body, 0, 0.25 * _noise(generator, 0.02, (1500, 6000), 0.004))
    return body


def _snare(generator: np.random.Generator) -> Floats:
    body = 0.45 * _falling_sine(0.25, 240, 185, 0.03)
    add_at(body, 0, 0.25 * _falling_sine(0.15, 380, 330, 0.03))
    add_at(body, 0, 0.7 * _noise(generator, 0.25, (1000, 9000), 0.06))
    return body


def _clap(generator: np.random.Generator) -> Floats:
    sound = np.zeros(sample_at(0.3))
    for start_seconds in (0.0, 0.011, 0.023):
        add_at(sound, sample_at(start_seconds), 0.6 * _noise(generator, 0.03, (900, 4000), 0.006))
    add_at(sound, sample_at(0.033), 0.7 * _noise(generator, 0.25, (900, 5000), 0.06))
    return sound


def _hat(generator: np.random.Generator, *, ring_seconds: float) -> Floats:
    return 0.4 * _noise(generator, 5 * ring_seconds, (7000, 15000), ring_seconds)


def _tom(generator: np.random.Generator) -> Floats:
    body = 0.9 * _falling_sine(0.4, 190, 110, 0.06)
    add_at(body, 0, 0.1 * _noise(generator, 0.1, (500, 4000), 0.02))
    return body


def _noise(
    generator: np.random.Generator, seconds: float, band_hz: tuple[float, float], decay_seconds: float
) -> Floats:
    samples = sample_at(seconds)
    noise = filtered(generator.standard_normal(samples), band_hz, "bandpass")
    return noise * envelope(samples, 0.0005, 0.2 * seconds, decay_seconds)


DRUMS: dict[str, Callable[[np.random.Generator], Floats]] = {
    "kick": _kick,
    "snare": _snare,
    "clap": _clap,
    "closed_hat": partial(_hat, ring_seconds=0.025),
    "open_hat": partial(_hat, ring_seconds=0.12),
    "tom": _tom,
}
