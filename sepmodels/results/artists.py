"""Which test tracks are of one artist, so that they count as one sample.

Songs of one artist are alike: with the same voice, band and studio, what suits one of them suits the others. A test
that takes each for a sample of its own finds differences that hold for these artists only (the *artist effect* of music
information retrieval: Flexer and Schnitzer 2010, Effects of Album and Artist Filters in Audio Similarity Computed for
Very Large Music Databases).
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sepmodels.dataset.artists import artist_of

By = Literal["artist", "track"]
BY_DEFAULT: By = "artist"


def counted(tracks: int, samples: int) -> str:
    """How many tracks, and of how many artists, where that says more.

    >>> counted(1, 1), counted(50, 50), counted(50, 45)
    ('one track', '50 tracks', '50 tracks of 45 artists')
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
