"""What the demo's songs are: fourteen plans, varied in key, tempo, singer, arrangement, mix and room."""

from dataclasses import dataclass
from typing import Literal

PITCH_CLASSES = {"C": 0, "Db": 1, "D": 2, "Eb": 3, "E": 4, "F": 5, "F#": 6, "G": 7, "Ab": 8, "A": 9, "Bb": 10, "B": 11}
RING_OUT_SECONDS = 0.8


@dataclass(frozen=True)
class SongPlan:
    """One song on paper.

    chords: scale degrees (0 is the tonic), each held for ``beats_per_chord`` beats, repeated to the end.
    groove, bass, sustained, rhythmic: names of patterns and instruments of the sibling modules.
    lead: whether a melody instrument answers the voice, in the voice's own range.
    voices: 1 for a single voice, 2 for one that is sung twice (double-tracked).
    entry_beats: how long the band plays before the voice comes in.
    voice_db: level of the vocals against the accompaniment, both over the whole song: the SDR that the
        mixture has as an estimate of the vocals.
    room_seconds: reverberation time (to -60 dB).
    longest_seconds: the song has as many whole beats as fit.
    """

    number: int
    split: Literal["train", "test"]
    tonic: str
    mode: Literal["major", "minor"]
    bpm: int
    singer: str
    chords: tuple[int, ...]
    groove: str
    bass: str
    sustained: str
    rhythmic: str
    voice_db: float
    room_seconds: float
    lead: bool = False
    voices: int = 1
    entry_beats: int = 2
    beats_per_chord: int = 4
    longest_seconds: float = 12.8

    @property
    def name(self) -> str:
        """The song's name, also that of its file."""
        return f"Demo {self.number:02d} - {self.tonic} {self.mode} {self.bpm} bpm"

    @property
    def beat_seconds(self) -> float:
        """Duration of a beat."""
        return 60.0 / self.bpm

    @property
    def beats(self) -> int:
        """Beats of the song."""
        return int(self.longest_seconds / self.beat_seconds)

    @property
    def seconds(self) -> float:
        """Duration: the beats, and time for the last notes to ring out."""
        return self.beats * self.beat_seconds + RING_OUT_SECONDS


# fmt: off
SONGS = (
    SongPlan(1, "train", "G", "minor", 96, "alto", (0, 5, 2, 6), "rock", "fingered", "pad", "plucks",
             voice_db=-3.5, room_seconds=1.1),
    SongPlan(2, "train", "C", "major", 120, "tenor", (0, 4, 5, 3), "four_on_the_floor", "synth", "pad", "keys",
             voice_db=-3.0, room_seconds=0.8, lead=True),
    SongPlan(3, "train", "D", "minor", 84, "soprano", (0, 3, 6, 2), "half_time", "fingered", "organ", "plucks",
             voice_db=-4.5, room_seconds=1.6),
    SongPlan(4, "train", "A", "major", 132, "baritone", (0, 3, 5, 4), "rock", "synth", "organ", "strum",
             voice_db=-3.0, room_seconds=0.6, entry_beats=4),
    SongPlan(5, "train", "F", "major", 104, "mezzo", (0, 5, 3, 4), "shuffle", "fingered", "pad", "keys",
             voice_db=-2.0, room_seconds=0.9, voices=2, beats_per_chord=2),
    SongPlan(6, "train", "E", "minor", 76, "tenor", (0, 5, 3, 6), "half_time", "synth", "strings", "plucks",
             voice_db=-5.0, room_seconds=1.9, lead=True),
    SongPlan(7, "train", "Bb", "major", 112, "soprano", (0, 2, 3, 4), "four_on_the_floor", "synth", "strings", "strum",
             voice_db=-3.5, room_seconds=0.7, entry_beats=4),
    SongPlan(8, "train", "B", "minor", 90, "baritone", (0, 6, 5, 6), "shuffle", "fingered", "organ", "keys",
             voice_db=-4.0, room_seconds=1.3),
    SongPlan(9, "test", "A", "minor", 100, "mezzo", (0, 5, 2, 6), "rock", "fingered", "pad", "strum",
             voice_db=-4.0, room_seconds=1.0),
    SongPlan(10, "test", "E", "major", 124, "tenor", (0, 4, 5, 3), "four_on_the_floor", "synth", "organ", "plucks",
             voice_db=-3.0, room_seconds=0.7, voices=2),
    SongPlan(11, "test", "C", "minor", 80, "soprano", (0, 3, 5, 4), "half_time", "synth", "strings", "keys",
             voice_db=-5.0, room_seconds=1.7, lead=True),
    SongPlan(12, "test", "Eb", "major", 116, "baritone", (0, 5, 1, 4), "shuffle", "fingered", "pad", "plucks",
             voice_db=-3.5, room_seconds=0.9, entry_beats=4, beats_per_chord=2),
    SongPlan(13, "test", "F", "minor", 108, "alto", (0, 3, 6, 2), "rock", "synth", "strings", "plucks",
             voice_db=-4.0, room_seconds=1.2),
    SongPlan(14, "test", "D", "major", 92, "tenor", (0, 5, 3, 4), "half_time", "fingered", "organ", "strum",
             voice_db=-3.0, room_seconds=0.8, voices=2),
)
# fmt: on
