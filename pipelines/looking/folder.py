"""``sepbench look DIR``: what each file of a folder would be taken for, before anything runs."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.terminal import printable
from sepmodels.audio import STREAMS
from sepmodels.audio.recordings import open_recording
from sepmodels.dataset.file_sentences import file_sentences
from sepmodels.dataset.karaoke import OTHER_CHANNEL, one_channel
from sepmodels.dataset.layouts import find_tracks, listed_tracks
from sepmodels.dataset.mapping import with_mapping
from sepmodels.dataset.rates import rates_sentence
from sepmodels.dataset.track import STEM_SUFFIX, Track
from sepmodels.errors import UserError
from sepmodels.machine.parallel import for_each
from sepmodels.settings import DatasetSettings

_MOST_NAMES = 4
_COLUMNS = {"voice": ("vocals",), "accompaniment": ("drums", "bass", "other"), "mixture": ("mixture",)}


@dataclass(frozen=True)
class Seen:
    """A track, the lowest rate and the longest length of its files, and the first one's channels, where known."""

    track: Track
    rate_hz: int = 0
    channels: int = 0
    seconds: float = 0.0

    @property
    def cells(self) -> tuple[str, ...]:
        """What the table shows, but for names and lengths: tracks that have the same share a row."""
        sound = f"{self.rate_hz} Hz, {_CHANNELS.get(self.channels, self.channels)}" if self.rate_hz else "unreadable"
        return (self.track.split or "to be drawn", *_files(self.track), sound)


_CHANNELS = {1: "mono", 2: "stereo"}


def look(folder: Path, settings: DatasetSettings, console: Console, *, each: bool, scoring_rate: str = "files") -> bool:
    """Print a row for tracks that are alike, or for each one; then what was passed over, rates, and all faults.

    Gives whether a benchmark could begin with it. Raises UserError for a folder that is missing.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}: name one with tracks.")
    settings = with_mapping(settings, folder)
    try:
        tracks, faults = find_tracks(folder, settings), ""
    except UserError as fault:
        tracks, faults = tuple(listed_tracks(folder, settings)), str(fault)
    seen, unreadable = for_each(_seen, tracks)
    if seen:
        console.print(_table(seen, each=each))
    rates = rates_sentence((one.rate_hz for one in seen if one.rate_hz), scoring_rate)
    said = [*file_sentences(folder, tracks).values(), rates, *map(str, unreadable), faults]
    for sentence in filter(None, said):
        for line in sentence.splitlines():
            console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
    return not faults and not unreadable


def _seen(track: Track) -> Seen:
    """Raises UserError for a file that is no sound, and for one of karaoke that has one channel."""
    heard = [_heard(source) for source in track.sources]
    if track.voice_channel != "none" and heard[0][1] == 1:
        raise one_channel(track.sources[0])
    if not heard:
        return Seen(track)
    rates_hz, channels, seconds = zip(*heard, strict=True)
    return Seen(track, min(rates_hz), channels[0], max(seconds))


def _heard(file: Path) -> tuple[int, int, float]:
    """The rate, the channels and the seconds of a file, as far as its header tells."""
    with open_recording(file) as recording:
        rate_hz = recording.sample_rate_hz
        return rate_hz, recording.channels, recording.expected_samples / rate_hz


def _table(seen: Sequence[Seen], *, each: bool) -> Table:
    listing = Table(box=None, pad_edge=False)
    for name in ("track" if each else "tracks", "split", *_COLUMNS, "sound", "minutes"):
        listing.add_column(name, justify="right" if name in ("tracks", "minutes") else "left")
    for names, some in _rows(seen, each=each):
        minutes = sum(one.seconds for one in some) / 60
        cells = (names, *some[0].cells, f"{minutes:.1f}" if minutes else "")
        listing.add_row(*(escape(printable(cell)) for cell in cells))
    return listing


def _rows(seen: Sequence[Seen], *, each: bool) -> Iterator[tuple[str, list[Seen]]]:
    """What stands in the first column, and the tracks of the row."""
    if each:
        yield from ((one.track.name, [one]) for one in seen)
        return
    for _, group in itertools.groupby(sorted(seen, key=lambda one: one.cells), key=lambda one: one.cells):
        some = list(group)
        yield str(len(some)), some


def _files(track: Track) -> tuple[str, ...]:
    """The names of the files (of karaoke: the channels) that are the voice, the accompaniment, the mixture."""
    if track.voice_channel != "none":
        return f"{track.voice_channel} channel", f"{OTHER_CHANNEL[track.voice_channel]} channel", "their sum"
    if not track.roles and track.sources and track.sources[0].name.endswith(STEM_SUFFIX):
        by_role: list[tuple[str, str]] = [(name, name) for name in STREAMS]
    elif track.mapping:
        names = (_within(track.name, source) for source in track.sources)
        by_role = list(dict.fromkeys(zip(track.roles, names, strict=True)))
    else:
        by_role = [(role, source.stem) for source, role in zip(track.sources, track.roles, strict=True)]
    return tuple(_some([name for role, name in by_role if role in roles]) for roles in _COLUMNS.values())


def _within(track: str, source: Path) -> str:
    """A file's name without its track's, or that of the folder that it shares with others of its kind.

    >>> [_within("A", Path(file)) for file in ("x/A - vocals.wav", "A/drums/kick.wav", "A/piano.wav")]
    ['vocals', 'drums', 'piano']
    """
    own = source.stem.replace(track, "").strip(" -_")
    return own if source.stem != own or source.parent.name == track else source.parent.name


def _some(names: Sequence[str]) -> str:
    if not names:
        return "none"
    return ", ".join(names[:_MOST_NAMES]) + (
        f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    )
