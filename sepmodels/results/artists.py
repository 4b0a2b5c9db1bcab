"""Which test tracks are of one artist, so that they count as one sample.

Songs of one artist are alike: with the same voice, band and studio, what suits one of them suits the others. A test
that takes each for a sample of its own finds differences that hold for these artists only (the *artist effect* of music
information retrieval: Flexer and Schnitzer 2010, Effects of Album and Artist Filters in Audio Similarity Computed for
Very Large Music Databases).
"""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

By = Literal["artist", "track"]
BY_DEFAULT: By = "artist"

_WITH_GUEST = re.compile(r"\s+(feat|ft|featuring)\b.*", re.IGNORECASE)
_SINGER_SONG_CLIP = re.compile(r"(.+)_\d+_\d+")  # MIR-1K: abjones_1_01
_ARTIST_TITLE = re.compile(r"([A-Z][A-Za-z0-9]+)_[A-Z][A-Za-z0-9]+")  # MedleyDB: MusicDelta_Rockabilly


def artist_of(track: str) -> str:
    """The artist or singer, from a track's name as MUSDB18, MedleyDB and MIR-1K write it; else the whole name.

    >>> artist_of("PR - Oh No"), artist_of("Triviul feat. The Fiend - Widow"), artist_of("Take Five")
    ('PR', 'Triviul', 'Take Five')
    >>> artist_of("MusicDelta_Rockabilly"), artist_of("abjones_1_01"), artist_of("track_01")
    ('MusicDelta', 'abjones', 'track_01')
    """
    artist, _, title = track.partition(" - ")
    if artist.strip() and title.strip():
        return _WITH_GUEST.sub("", artist.strip())
    named = _SINGER_SONG_CLIP.fullmatch(track) or _ARTIST_TITLE.fullmatch(track)
    return named[1] if named else track


def counted(tracks: int, samples: int) -> str:
    """How many tracks, and of how many artists, where that says more.

    >>> counted(1, 1), counted(50, 50), counted(50, 46)
    ('one track', '50 tracks', '50 tracks of 46 artists')
    """
    if tracks == 1:
        return "one track"
    return f"{tracks} tracks" + (f" of {samples} artist{'s' * (samples > 1)}" if samples < tracks else "")


def samples_of(tracks: Sequence[str], by: By) -> NDArray[np.int_]:
    """The number of the sample that each track belongs to, from 0 on.

    by: "artist" makes one sample of the tracks of an artist; "track" takes each for itself. Where all tracks are of one
        artist each counts for itself, too: what is found then holds for that artist's songs
        (:func:`sampling_notes` says so).
    """
    names = [artist_of(track) for track in tracks] if by == "artist" else list(tracks)
    if len(set(names)) == 1:
        names = list(tracks)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int_)


def sampling_notes(tracks: Sequence[str], by: By) -> list[str]:
    """What a table says of its samples, where not each track is of an artist of its own."""
    artists = {artist_of(track) for track in tracks}
    if len(artists) == len(tracks):
        return []
    if len(artists) == 1:
        return [
            f"All {len(tracks)} tracks are of {artists.pop()}: what is found holds for that artist's songs at most."
        ]
    if by == "track":
        return [
            f"The {len(tracks)} tracks are of {len(artists)} artists, and count as {len(tracks)} samples "
            "(statistics_by=track): where songs of an artist are alike, a difference is claimed too often."
        ]
    return [
        f"The {len(tracks)} tracks are of {len(artists)} artists. Songs of one are alike, so that each artist is one "
        "sample of the tests and intervals."
    ]
