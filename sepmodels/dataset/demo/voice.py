"""A singing voice: notes become syllables, syllables move a vocal tract, and glottal pulses sound through it."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.dataset.demo.composing import Note
from sepmodels.dataset.demo.effects import Floats, add_at, envelope, filtered, level, sample_at
from sepmodels.dataset.demo.glottis import glottal_source
from sepmodels.dataset.demo.phonemes import (
    CONSONANTS,
    DIPHTHONGS,
    HIGHER_FORMANTS_HZ,
    VOWELS_HZ,
    Consonant,
    vocal_tract,
)

HOP_SAMPLES = 256
TRACT_FRAMES = 2  # the tract moves more slowly than pitch and loudness
HOP_SECONDS = HOP_SAMPLES / SAMPLE_RATE_HZ
LEGATO_SECONDS = 0.02  # notes closer than this belong to one breath


@dataclass(frozen=True)
class Singer:
    """A voice: its formants, range (MIDI pitches), pulse shape (Fant's Rd), breath and vibrato."""

    formants: str
    lowest: int
    highest: int
    pulse_shape: float
    breath: float
    vibrato_hz: float
    vibrato_semitones: float


SINGERS = {
    "baritone": Singer("man", 46, 62, 0.9, 0.02, 5.2, 0.45),
    "tenor": Singer("man", 52, 68, 0.8, 0.02, 5.7, 0.50),
    "alto": Singer("woman", 55, 71, 1.1, 0.04, 5.4, 0.40),
    "mezzo": Singer("woman", 58, 74, 1.3, 0.05, 5.8, 0.45),
    "soprano": Singer("woman", 61, 78, 1.0, 0.03, 6.1, 0.55),
}


@dataclass(frozen=True)
class Syllable:
    """A note with the sounds that are sung on it: None for no consonant (the vowel moves on from the last)."""

    note: Note
    consonant: Consonant | None
    first_vowel: str
    last_vowel: str
    opens: bool
    closes: bool


def sing(notes: list[Note], singer: Singer, samples: int, generator: np.random.Generator) -> Floats:
    """A dry, mono voice that sings the notes, (samples,)."""
    syllables = _lyrics(notes, generator)
    frames = -(-samples // HOP_SAMPLES) + 1
    pitch = _pitch(syllables, singer, frames, generator)
    frame_places = np.arange(frames) * HOP_SAMPLES
    places = np.arange(samples)
    frequency_hz = 440.0 * 2 ** ((np.interp(places, frame_places, pitch) - 69) / 12)
    pulses, openness = glottal_source(frequency_hz, singer.pulse_shape, 0.004, 0.03, generator)
    breath = singer.breath * openness * filtered(generator.standard_normal(samples), 1000.0, "highpass")
    loudness = np.interp(places, frame_places, _loudness(syllables, frames))
    formants_hz = _formants(syllables, singer, pitch)[::TRACT_FRAMES]
    voice = vocal_tract((pulses + breath) * loudness, formants_hz, TRACT_FRAMES * HOP_SAMPLES)
    voice /= level(voice)
    for syllable in syllables:
        _add_noise(voice, syllable, generator)
    return filtered(voice, 70.0, "highpass")


def _lyrics(notes: list[Note], generator: np.random.Generator) -> list[Syllable]:
    """Nonsense syllables: a consonant on most notes, some notes tied to the last, glides on long ones."""
    names = list(CONSONANTS)
    vowels = list(VOWELS_HZ["man"])
    syllables: list[Syllable] = []
    for index, note in enumerate(notes):
        opens = index == 0 or note.start_seconds - _end(notes[index - 1]) > LEGATO_SECONDS
        closes = index == len(notes) - 1 or notes[index + 1].start_seconds - _end(note) > LEGATO_SECONDS
        tied = not opens and generator.random() < 0.2
        vowel = syllables[-1].last_vowel if tied else str(generator.choice(vowels))
        first, last = vowel, vowel
        if not tied and note.seconds > 0.45 and generator.random() < 0.5:
            first, last = DIPHTHONGS[generator.integers(len(DIPHTHONGS))]
        consonant = None if tied else CONSONANTS[str(generator.choice(names))]
        syllables.append(Syllable(note, consonant, first, last, opens, closes))
    return syllables


def _end(note: Note) -> float:
    return note.start_seconds + note.seconds


def _frame(seconds: float) -> int:
    return max(0, round(seconds / HOP_SECONDS))


def _pitch(syllables: list[Syllable], singer: Singer, frames: int, generator: np.random.Generator) -> Floats:
    """MIDI pitch at each frame: slides between notes, scoops into phrases, vibrato on held notes, drift."""
    pitch = np.full(frames, float(syllables[0].note.pitch))
    depth = np.zeros(frames)
    scoop = np.zeros(frames)
    time = np.arange(frames) * HOP_SECONDS
    for syllable in syllables:
        note = syllable.note
        since = time - note.start_seconds
        pitch[since >= -0.03] = note.pitch
        inside = (since >= 0) & (since < note.seconds)
        if note.seconds > 0.4:
            depth[inside] = np.clip((since[inside] - 0.15) / 0.3, 0, 1)
        if syllable.opens:
            scoop[inside] -= generator.uniform(0.3, 1.5) * np.exp(-since[inside] / 0.06)
    pitch = gaussian_filter1d(pitch + scoop, 0.03 / HOP_SECONDS)
    wander = gaussian_filter1d(generator.standard_normal((2, frames)), 0.15 / HOP_SECONDS, axis=1)
    wander /= wander.std(axis=1, keepdims=True)
    rate_hz = singer.vibrato_hz * (1 + 0.05 * wander[0])
    vibrato = singer.vibrato_semitones * gaussian_filter1d(depth, 0.05 / HOP_SECONDS)
    return np.asarray(pitch + vibrato * np.sin(2 * np.pi * np.cumsum(rate_hz) * HOP_SECONDS) + 0.08 * wander[1])


def _loudness(syllables: list[Syllable], frames: int) -> Floats:
    """Strength of the voice at each frame: notes swell and fall, consonants interrupt, phrases end softly."""
    loudness = np.zeros(frames)
    for syllable in syllables:
        note = syllable.note
        start, end = _frame(note.start_seconds), min(frames, _frame(_end(note)))
        place = np.linspace(0, 1, max(0, end - start))
        swell = 0.8 + 0.2 * np.sin(np.pi * place)
        if syllable.closes:
            swell *= np.clip((1 - place) * note.seconds / 0.25, 0, 1)
        loudness[start:end] = note.strength * swell
        if syllable.consonant:
            before = _frame(note.start_seconds - syllable.consonant.seconds)
            loudness[before:start] = note.strength * syllable.consonant.level
    return np.asarray(gaussian_filter1d(loudness, 0.010 / HOP_SECONDS))


def _formants(syllables: list[Syllable], singer: Singer, pitch: Floats) -> Floats:
    """Formants in Hz, (frame, formant): the tract glides from sound to sound.

    The first formant follows a fundamental that rises above it, as trained singers let it (J. Sundberg,
    "Formant technique in a professional female singer", Acustica 32, 1975).
    """
    vowels = VOWELS_HZ[singer.formants]
    formants_hz = np.empty((len(pitch), 5))
    formants_hz[:, 3:] = HIGHER_FORMANTS_HZ[singer.formants]
    formants_hz[:, :3] = vowels[syllables[0].first_vowel]
    for syllable in syllables:
        note = syllable.note
        start = _frame(note.start_seconds)
        turn = _frame(note.start_seconds + 0.55 * note.seconds)
        consonant = syllable.consonant
        if consonant:
            before = _frame(note.start_seconds - consonant.seconds)
            formants_hz[before:start, :3] = consonant.formants_hz or vowels[syllable.first_vowel]
        formants_hz[start:turn, :3] = vowels[syllable.first_vowel]
        formants_hz[turn:, :3] = vowels[syllable.last_vowel]
    formants_hz = gaussian_filter1d(formants_hz, 0.022 / HOP_SECONDS, axis=0)
    fundamental_hz = 440.0 * 2 ** ((pitch - 69) / 12)
    formants_hz[:, 0] = np.maximum(formants_hz[:, 0], 1.02 * fundamental_hz)
    return np.asarray(formants_hz)


def _add_noise(voice: Floats, syllable: Syllable, generator: np.random.Generator) -> None:
    """Add a consonant's hiss or burst to the voice, in place."""
    consonant = syllable.consonant
    if consonant is None or consonant.noise_hz is None:
        return
    closure_seconds = consonant.seconds * consonant.closure_share
    length = sample_at(consonant.seconds - closure_seconds + 0.02)
    shape = envelope(length, 0.002, 0.02, 0.015) if closure_seconds else envelope(length, 0.03, 0.03)
    noise = filtered(generator.standard_normal(length), consonant.noise_hz, "bandpass") * shape
    start_seconds = syllable.note.start_seconds - consonant.seconds + closure_seconds
    add_at(voice, sample_at(start_seconds), syllable.note.strength * consonant.noise_level * noise)


def second_take(notes: list[Note], generator: np.random.Generator) -> list[Note]:
    """The same notes as sung once more: never quite at the same time."""
    return [replace(note, start_seconds=note.start_seconds + generator.normal(0, 0.012)) for note in notes]
