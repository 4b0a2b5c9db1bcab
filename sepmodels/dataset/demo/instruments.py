"""Bass, chords, plucks and a lead: everything that is neither drum nor voice."""

from collections.abc import Callable
from functools import cache

import numpy as np

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.dataset.demo.composing import Note, chord_classes, melody, pitch_hz, voicing
from sepmodels.dataset.demo.effects import Floats, add_at, envelope, filtered, oscillate, pan, sample_at
from sepmodels.dataset.demo.plans import SongPlan

HARMONICS = np.arange(1, 61)
SAW = 1.0 / HARMONICS
SQUARE = np.where(HARMONICS % 2 == 1, 1.0 / HARMONICS, 0.0)
ORGAN = np.array([1.0, 0.8, 0.6, 0.5, 0.0, 0.3, 0.0, 0.25, 0.0, 0.15, 0.0, 0.1, 0.0, 0.0, 0.0, 0.1])
# Beats of a bar on which the bass plays, and semitones above the root.
BASS_LINES = {
    "fingered": ((0.0, 0), (1.5, 0), (2.0, 7), (3.0, 12), (3.5, 7)),
    "synth": tuple((0.5 * i, 12 if i in (3, 7) else 0) for i in range(8)),
}


def bass_track(plan: SongPlan, samples: int, generator: np.random.Generator) -> Floats:
    """A bass line on the roots of the chords, (2, samples), in the middle."""
    track = np.zeros(samples)
    line = BASS_LINES[plan.bass]
    for bar in range(-(-plan.beats // 4)):
        for index, (beat, interval) in enumerate(line):
            at = 4 * bar + beat
            following = line[index + 1][0] if index + 1 < len(line) else 4.0
            if at >= plan.beats:
                break
            root = 28 + (chord_classes(plan, at)[0] - 28) % 12
            sound = _bass_note(plan.bass, pitch_hz(root + interval), 0.95 * (following - beat) * plan.beat_seconds)
            add_at(track, sample_at(at * plan.beat_seconds), sound * generator.uniform(0.8, 1.0))
    return pan(track, 0.0)


def _bass_note(style: str, frequency_hz: float, seconds: float) -> Floats:
    samples = sample_at(seconds)
    if style == "fingered":
        tone = oscillate(frequency_hz, samples, SAW * np.exp(-HARMONICS / 6))
        return tone * envelope(samples, 0.006, 0.04, 0.6)
    tone = filtered(oscillate(frequency_hz, samples, SQUARE + 0.5 * SAW), 500.0, "lowpass")
    return tone * envelope(samples, 0.004, 0.03, 0.35)


def sustained_track(plan: SongPlan, samples: int, generator: np.random.Generator) -> Floats:
    """Held chords, (2, samples), each tone at its own place between the ears."""
    track = np.zeros((2, samples))
    sound = SUSTAINED[plan.sustained]
    for beat in range(0, plan.beats, plan.beats_per_chord):
        seconds = min(plan.beats_per_chord, plan.beats - beat) * plan.beat_seconds + 0.25
        for pitch, place in zip(voicing(plan, beat, 55, 4), (-0.6, 0.5, -0.2, 0.3), strict=True):
            tone = sound(pitch_hz(pitch), sample_at(seconds), generator)
            add_at(track, sample_at(beat * plan.beat_seconds), pan(tone, place))
    return track


def _pad(frequency_hz: float, samples: int, generator: np.random.Generator) -> Floats:
    detuned = [oscillate(frequency_hz * 2 ** (c / 1200), samples, SAW, generator.random()) for c in (-7, 0, 8)]
    return filtered(np.sum(detuned, axis=0), 2200.0, "lowpass") * envelope(samples, 0.25, 0.3)


def _strings(frequency_hz: float, samples: int, generator: np.random.Generator) -> Floats:
    time = np.arange(samples) / SAMPLE_RATE_HZ
    parts = [
        oscillate(frequency_hz * (1 + 0.004 * np.sin(2 * np.pi * (rate_hz * time + generator.random()))), samples, SAW)
        for rate_hz in (5.1, 5.9)
    ]
    return filtered(np.sum(parts, axis=0), 4000.0, "lowpass") * envelope(samples, 0.12, 0.25)


def _organ(frequency_hz: float, samples: int, generator: np.random.Generator) -> Floats:
    time = np.arange(samples) / SAMPLE_RATE_HZ
    turn = np.sin(2 * np.pi * (6.2 * time + generator.random()))
    return oscillate(0.5 * frequency_hz * (1 + 0.002 * turn), samples, ORGAN) * envelope(samples, 0.01, 0.06)


def rhythmic_track(plan: SongPlan, samples: int, generator: np.random.Generator) -> Floats:
    """Chords broken or struck in rhythm, (2, samples)."""
    track = np.zeros((2, samples))
    play = cache(RHYTHMIC[plan.rhythmic])  # the same few pitches come again and again
    for note, place in _figure(plan, generator):
        tone = play(note.frequency_hz, sample_at(note.seconds))
        add_at(track, sample_at(note.start_seconds), pan(note.strength * tone, place))
    return track


def _figure(plan: SongPlan, generator: np.random.Generator) -> list[tuple[Note, float]]:
    """What the rhythmic instrument plays, each note with its place: up and down the chord, or whole chords."""
    figure = []
    for half in range(2 * plan.beats):
        beat = half / 2
        strength = float(generator.uniform(0.7, 1.0))
        chord = voicing(plan, beat, 60, 4)
        if plan.rhythmic == "plucks":
            pitch = chord[(0, 2, 1, 3, 2, 1, 3, 2)[half % 8]]
            figure.append((Note(beat * plan.beat_seconds, 1.2, pitch, strength), 0.5 if half % 2 else -0.4))
        elif half % 8 in ((0, 3, 6) if plan.rhythmic == "keys" else (0, 2, 3, 5, 6, 7)):
            for index, pitch in enumerate(chord):
                start_seconds = beat * plan.beat_seconds + 0.012 * index * (plan.rhythmic == "strum")
                figure.append((Note(start_seconds, 1.0, pitch, 0.6 * strength), -0.45))
    return figure


def _pluck(frequency_hz: float, samples: int) -> Floats:
    """A string plucked near its end: the higher a harmonic, the sooner it is gone."""
    time = np.arange(samples) / SAMPLE_RATE_HZ
    tone = np.zeros(samples)
    for harmonic in range(1, min(14, int(12_000 / frequency_hz)) + 1):
        strength = np.sin(np.pi * harmonic / 7.3) / harmonic
        tone += strength * np.sin(2 * np.pi * harmonic * frequency_hz * time) * np.exp(-time * (1.5 + 1.8 * harmonic))
    return tone * envelope(samples, 0.002, 0.1)


def _keys(frequency_hz: float, samples: int) -> Floats:
    """An electric piano by frequency modulation: a tine's ping over a round tone."""
    time = np.arange(samples) / SAMPLE_RATE_HZ
    ping = 0.5 * np.exp(-time / 0.08) * np.sin(2 * np.pi * 14 * frequency_hz * time)
    body = 1.4 * np.exp(-time / 0.5) * np.sin(2 * np.pi * frequency_hz * time)
    return np.sin(2 * np.pi * frequency_hz * time + body + ping) * envelope(samples, 0.003, 0.15, 0.45)


def lead_track(plan: SongPlan, samples: int, generator: np.random.Generator) -> Floats:
    """A tune of its own in the voice's range with a vibrato like the voice's, (2, samples)."""
    track = np.zeros(samples)
    for note in melody(plan, 60, 79, generator):
        length = sample_at(note.seconds)
        time = np.arange(length) / SAMPLE_RATE_HZ
        bend = 0.012 * np.minimum(time / 0.4, 1.0) * np.sin(2 * np.pi * 5.5 * time)
        tone = filtered(oscillate(note.frequency_hz * (1 + bend), length, SQUARE), 3000.0, "lowpass")
        add_at(track, sample_at(note.start_seconds), note.strength * tone * envelope(length, 0.02, 0.05))
    return pan(track, 0.4)


SUSTAINED: dict[str, Callable[[float, int, np.random.Generator], Floats]] = {
    "pad": _pad,
    "strings": _strings,
    "organ": _organ,
}
RHYTHMIC: dict[str, Callable[[float, int], Floats]] = {"plucks": _pluck, "strum": _pluck, "keys": _keys}
