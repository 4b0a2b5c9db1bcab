"""Whose track it is, from its name: where datasets are drawn apart, and where tests count samples."""

import re

_WITH_GUEST = re.compile(r"\s+(feat|ft|featuring)\b.*", re.IGNORECASE)
_ASIDE = re.compile(r"\s*\([^()]*\)$")  # The Easton Ellises (Baumi)
_SINGER_SONG_CLIP = re.compile(r"(.+)_\d{1,2}_\d{1,2}")  # MIR-1K: abjones_1_01
_ARTIST_TITLE = re.compile(
    r"([A-Z][A-Za-z0-9]+)_(?=[A-Z]|[0-9]+[a-z]*[A-Z])[A-Za-z0-9]{2,}"
)  # MedleyDB: MusicDelta_80sRock


def artist_of(track: str) -> str:
    """The artist or singer, from a track's name as MUSDB18, MedleyDB and MIR-1K write it; else the whole name.

    Guests and what stands in brackets behind an artist's name are no part of it.

    >>> artist_of("PR - Oh No"), artist_of("Triviul feat. The Fiend - Widow"), artist_of("Take Five")
    ('PR', 'Triviul', 'Take Five')
    >>> artist_of("The Easton Ellises (Baumi) - SDRNR"), artist_of("MusicDelta_80sRock")
    ('The Easton Ellises', 'MusicDelta')
    >>> artist_of("abjones_1_01"), artist_of("track_01"), artist_of("live_2019_01")
    ('abjones', 'track_01', 'live_2019_01')
    """
    artist, _, title = track.partition(" - ")
    if artist.strip() and title.strip():
        named = _WITH_GUEST.sub("", artist.strip())
        return _ASIDE.sub("", named) or named
    found = _SINGER_SONG_CLIP.fullmatch(track) or _ARTIST_TITLE.fullmatch(track)
    return found[1] if found else track
