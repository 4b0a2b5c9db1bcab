"""Chords and melodies: notes on paper, drawn from a seeded generator within the rules of a key."""

from dataclasses import dataclass

import numpy as np

from sepmodels.dataset.demo.plans import PITCH_CLASSES, SongPlan

SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
# Beats of the notes of a phrase: short ones, then one that is held.
PHRASE_RHYTHMS = (
    (1.0, 0.5, 0.5, 1.0, 2.0),
    (0.5, 0.5, 0.5, 0.5, 1.0, 2.0),
    (1.5, 0.5, 1.0, 0.5, 0.5, 2.0),
    (0.75, 0.75, 0.5, 0.5, 0.5, 1.0, 2.0),
    (0.5, 0.5, 1.0, 0.5, 0.5, 1.5, 0.5, 2.0),
    (1.0, 1.0, 0.5, 0.5, 3.0),
)
RESTS_BEATS = (0.5, 1.0, 1.0, 1.5)


@dataclass(frozen=True)
class Note:
    """A pitch (MIDI number, 69 is 440 Hz) from ``start_seconds`` on, for ``seconds``, at a strength up to 1."""

    start_seconds: float
    seconds: float
    pitch: int
    strength: float = 1.0

    @property
    def frequency_hz(self) -> float:
        """Fundamental frequency in equal temperament."""
        return pitch_hz(self.pitch)


def pitch_hz(pitch: float) -> float:
    """Frequency of a MIDI pitch.

    >>> pitch_hz(57)
    220.0
    """
    return float(440.0 * 2 ** ((pitch - 69) / 12))


def scale_pitches(plan: SongPlan, lowest: int, highest: int) -> list[int]:
    """The pitches of the song's key from ``lowest`` to ``highest``."""
    tonic = PITCH_CLASSES[plan.tonic]
    return [pitch for pitch in range(lowest, highest + 1) if (pitch - tonic) % 12 in SCALES[plan.mode]]


def chord_classes(plan: SongPlan, beat: float) -> tuple[int, ...]:
    """The pitch classes of the triad that sounds at ``beat``, its root first."""
    degree = plan.chords[int(beat // plan.beats_per_chord) % len(plan.chords)]
    scale = SCALES[plan.mode]
    return tuple((PITCH_CLASSES[plan.tonic] + scale[(degree + step) % 7]) % 12 for step in (0, 2, 4))


def voicing(plan: SongPlan, beat: float, lowest: int, voices: int) -> list[int]:
    """The chord at ``beat`` as ``voices`` pitches upwards from ``lowest``, in the closest position."""
    classes = chord_classes(plan, beat)
    return [pitch for pitch in range(lowest, lowest + 12 * voices) if pitch % 12 in classes][:voices]


def melody(plan: SongPlan, lowest: int, highest: int, generator: np.random.Generator) -> list[Note]:
    """Phrases of a tune between two pitches, with rests: mostly steps, chord tones on the beat.

    Two rhythms and their repetition make it a tune rather than a random walk.
    """
    ladder = scale_pitches(plan, lowest, highest)
    rhythms = [PHRASE_RHYTHMS[i] for i in generator.choice(len(PHRASE_RHYTHMS), 2, replace=False)]
    place = len(ladder) // 2
    beat = float(plan.entry_beats)
    notes: list[Note] = []
    phrase = 0
    while beat < plan.beats - 1:
        for duration in rhythms[(phrase // 2) % 2 if phrase else 0]:
            if beat + duration > plan.beats + 0.5:
                break
            place = _next_place(ladder, place, chord_classes(plan, beat), beat, generator)
            strength = (1.0 if beat % 1 == 0 else 0.85) * generator.uniform(0.85, 1.0)
            seconds = duration * plan.beat_seconds
            notes.append(Note(beat * plan.beat_seconds, seconds, ladder[place], float(strength)))
            beat += duration
        beat += float(generator.choice(RESTS_BEATS))
        phrase += 1
    return notes


def _next_place(
    ladder: list[int], place: int, chord: tuple[int, ...], beat: float, generator: np.random.Generator
) -> int:
    """Where on the ladder of pitches the tune goes: near, drawn to the middle, on the beat to a chord tone."""
    steps = np.array([-3, -2, -1, 0, 1, 2, 3])
    weights = np.array([0.05, 0.15, 0.27, 0.06, 0.27, 0.15, 0.05])
    places = np.clip(place + steps, 0, len(ladder) - 1)
    middle = (len(ladder) - 1) / 2
    weights = weights * np.exp(-0.5 * ((places - middle) / (0.4 * len(ladder))) ** 2)
    if beat % 1 == 0:
        weights = weights * np.array([8.0 if ladder[p] % 12 in chord else 1.0 for p in places])
    return int(generator.choice(places, p=weights / weights.sum()))
