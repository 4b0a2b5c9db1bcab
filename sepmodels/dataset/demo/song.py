"""A song from its plan: parts are played, placed in a room and mixed."""

import numpy as np
from numpy.typing import NDArray

from sepmodels.audio import STREAMS
from sepmodels.dataset.demo.composing import melody
from sepmodels.dataset.demo.drums import drum_track
from sepmodels.dataset.demo.effects import Floats, in_room, level, levelled, pan, room_response, sample_at
from sepmodels.dataset.demo.instruments import bass_track, lead_track, rhythmic_track, sustained_track
from sepmodels.dataset.demo.plans import SongPlan
from sepmodels.dataset.demo.voice import SINGERS, second_take, sing

SEED = 20_18
AAC_FRAME_SAMPLES = 1024
PEAK = 0.9
# Loudness of the accompaniment's stems against each other; each song strays from it by a decibel or two.
LEVELS_DB = {"drums": 0.0, "bass": -2.0, "other": 2.5}
REVERB_DB = {"drums": -18.0, "other": -11.0, "vocals": -9.0}


def make_song(plan: SongPlan) -> NDArray[np.float32]:
    """The stems of a song, float32 (stream, channel, sample) in the order of MUSDB's streams.

    The mixture is the exact sum of the four stems. The same plan gives the same samples on the same machine.
    """
    streams = [np.random.default_rng((SEED, plan.number, part)) for part in range(6)]
    samples = -(-sample_at(plan.seconds) // AAC_FRAME_SAMPLES) * AAC_FRAME_SAMPLES
    room = room_response(plan.room_seconds, streams[0])
    stems = {
        "drums": drum_track(plan, samples, streams[1]),
        "bass": bass_track(plan, samples, streams[2]),
        "other": _other(plan, samples, streams[3]),
        "vocals": _vocals(plan, samples, streams[4]),
    }
    stems = {name: in_room(stem, room, REVERB_DB[name]) if name in REVERB_DB else stem for name, stem in stems.items()}
    return _mixed(stems, plan, streams[5])


def _other(plan: SongPlan, samples: int, generator: np.random.Generator) -> Floats:
    """The chords and, where the plan has one, the lead, each equally loud."""
    parts = [sustained_track(plan, samples, generator), rhythmic_track(plan, samples, generator)]
    if plan.lead:
        parts.append(lead_track(plan, samples, generator))
    return np.asarray(np.sum([part / level(part) for part in parts], axis=0))


def _vocals(plan: SongPlan, samples: int, generator: np.random.Generator) -> Floats:
    """The voice in the middle; of two takes, one a little to each side."""
    singer = SINGERS[plan.singer]
    notes = melody(plan, singer.lowest, singer.highest, generator)
    takes = [notes] + [second_take(notes, generator) for _ in range(plan.voices - 1)]
    places = (0.0,) if plan.voices == 1 else (-0.3, 0.3)
    voices = [pan(sing(take, singer, samples, generator), place) for take, place in zip(takes, places, strict=True)]
    return levelled(np.sum(voices, axis=0), 2.5)


def _mixed(stems: dict[str, Floats], plan: SongPlan, generator: np.random.Generator) -> NDArray[np.float32]:
    """Set the stems' levels, sum them, and scale all alike so that the loudest of the five just does not clip."""
    parts = {
        name: stems[name] * 10 ** ((level_db + generator.normal(0, 1.5)) / 20) / level(stems[name])
        for name, level_db in LEVELS_DB.items()
    }
    accompaniment = parts["drums"] + parts["bass"] + parts["other"]
    voice_level = level(accompaniment) * 10 ** (plan.voice_db / 20)
    parts["vocals"] = stems["vocals"] * voice_level / level(stems["vocals"])
    parts["mixture"] = accompaniment + parts["vocals"]
    song = np.stack([parts[name] for name in STREAMS])
    return np.asarray(song * (PEAK / np.abs(song).max()), dtype=np.float32)
