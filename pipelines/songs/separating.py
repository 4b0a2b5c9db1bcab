"""Separates a person's own songs with a trained model."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from assets.paths import Paths
from pipelines.songs.quiet_decoders import quiet_decoders
from pipelines.songs.separators import Separator, separator_for, target_for
from pipelines.songs.song_list import Song, require_free, songs_of
from pipelines.songs.tidy_end import end_if_asked, tidy_end
from pipelines.terminal import printable
from sepmodels.errors import UserError
from sepmodels.settings import Profile


@dataclass(frozen=True)
class Wishes:
    """What a person asks of ``sepbench separate``.

    system: of any kind that can separate a song.
    variant, model, seed: as in :func:`pipelines.songs.choose_model.choose_model`.
    form, bits: of the stems' files. karaoke: the accompaniment only. force: replace files that exist.
    wiener_iterations: None for the variant's own.
    """

    out: Path
    system: str | None = None
    variant: str | None = None
    model: str | None = None
    seed: int | None = None
    form: str = "wav"
    bits: int | None = None
    karaoke: bool = False
    force: bool = False
    wiener_iterations: int | None = None


def separate_songs(profile: Profile, paths: Paths, given: Sequence[Path], wishes: Wishes, console: Console) -> None:
    """Write the stems of every song.

    One song that cannot be read does not keep the others from being separated; all such are named at the end.
    Raises :class:`UserError`, before any work, for what cannot be: a file in the way, a format, a model, a path;
    and at the end for the songs that failed.
    """
    from sepmodels.audio import REST, targets_of
    from sepmodels.separation.song_files import StemFormat

    form = StemFormat(wishes.form, wishes.bits)
    stems = (REST,) if wishes.karaoke else targets_of(target_for(profile, paths, wishes))
    with tidy_end(), quiet_decoders(), songs_of(given, wishes.out, stems, form.name, _say(console)) as songs:
        require_free(songs, force=wishes.force)
        with separator_for(profile, paths, wishes) as separator:
            work = _Work(separator, form, console)
            for song in songs:
                work.separate(song)
        work.sum_up()


class _Work:
    """A separator at work on one song after another."""

    def __init__(self, separator: Separator, form, console: Console) -> None:
        self.separator, self.form, self.console = separator, form, console
        self.audio_seconds = self.seconds = 0.0
        self.faults: list[str] = []
        self.say = _say(console)
        self.say(separator.says)

    def separate(self, song: Song) -> None:
        """Separate a song, or keep in mind why not."""
        started = time.perf_counter()
        try:
            with _bar(song.name, self.console) as progress:
                written = self.separator.separate(song, self.form, progress)
        except UserError as fault:
            self._note(song, str(fault))
            return
        finally:
            _remove_if_empty(song)
        self.audio_seconds += written.audio_seconds
        self.seconds += time.perf_counter() - started
        places = " and ".join(printable(path) for path in song.stems.values())
        self.say(f"{song.name} -> {places} ({_pace(written.audio_seconds, time.perf_counter() - started)})")
        for stem, count in written.clipped.items():
            if count:
                self.say(
                    f"  {count} samples of the {stem} were louder than full scale (peak {written.peaks[stem]:.2f}) and "
                    "were cut down to it; --format wav --bits 32 keeps them."
                )

    def _note(self, song: Song, fault: str) -> None:
        said = fault.replace(str(song.file), song.said)
        self.faults.append(said if song.said in said else f"{song.said}: {said}")

    def sum_up(self) -> None:
        """Say how fast it was; raise :class:`UserError` for the songs that failed."""
        if self.audio_seconds:
            self.say(f"In all {_pace(self.audio_seconds, self.seconds)}.")
        if self.faults:
            raise UserError("\n".join(self.faults))


def _say(console: Console) -> Callable[[str], None]:
    return lambda sentence: console.print(sentence, highlight=False, soft_wrap=True, markup=False)


def _remove_if_empty(song: Song) -> None:
    """Remove the folder of a song's stems if there are none in it."""
    for folder in {stem.parent for stem in song.stems.values()}:
        with suppress(OSError):
            folder.rmdir()


def _pace(audio_seconds: float, seconds: float) -> str:
    """
    >>> _pace(240.0, 12.0)
    '240.0 s of music in 12.0 s: real-time factor 0.050'
    """
    return f"{audio_seconds:.1f} s of music in {seconds:.1f} s: real-time factor {seconds / audio_seconds:.3f}"


@contextmanager
def _bar(name: str, console: Console) -> Iterator[Callable[..., None]]:
    """A bar while a song is separated, where there is a terminal to draw it."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(name, total=None)

        def show(done: int, total: int, unit: str, **figures: float) -> None:  # noqa: ARG001
            end_if_asked()
            bars.update(task, completed=done, total=total)

        yield show
