"""What the kinds share that a person adds: an entry is a small file, not code."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from sepmodels.errors import UserError
from sepmodels.marks import neutral, no_part_of_a_result, words_only
from sepmodels.progress import Say
from sepmodels.systems.system import WORDS_ONLY, System

# Of a file or a folder the content counts, by other ways, and not where it lies.
PLACE_ONLY = MappingProxyType({"speed_only": True})


@no_part_of_a_result("which files are read: their content is hashed")
def beside(given: Path, test_set: str) -> Path:
    """Where what is given for another test set lies: of DIR in DIR.NAME, of table.csv in table.NAME.csv.

    Never below the folder for the own test split, whose files all count there.
    """
    name = f"{given.stem}.{test_set}{given.suffix}" if given.is_file() else f"{given.name}.{test_set}"
    return given.with_name(name)


@words_only
def beside_in_words(given: Path, test_set: str) -> str:
    """That place, without where on this machine it is."""
    return f"{beside(given, test_set).name}, beside {given.name}"


def silent_say(sentence: str, /) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Heard:
    """An estimate of a track's vocals, float32 ``(2, sample)``, as long as the mixture.

    said: what was done to make it so, a clause each. file: where it lies just like this, if it does.
    """

    vocals: np.ndarray
    said: tuple[str, ...] = ()
    file: Path | None = None


def no_model(name: str, /) -> "Model":
    """There is none."""
    raise UserError(f"There is no model of {name} here.")


# a mixture, float32 (2, sample) -> its vocals, of the same shape
Model = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Tracks:
    """What a system may know of the test tracks.

    names: all of them. estimates: gives another system's estimates of a track, one for each of its seeds. model: gives
    what separates by a variant's trained model, that of the first seed. say: takes a sentence for the run's log.
    """

    names: tuple[str, ...] = ()
    estimates: Callable[[str, str], Sequence[np.ndarray]] = lambda name, track: ()
    model: Callable[[str], Model] = no_model
    say: Say = silent_say


# (track, its mixture, float32 (2, sample)) -> the system's estimate
Separate = Callable[[str, np.ndarray], Heard]


@dataclass(frozen=True, kw_only=True)
class Added(System):
    """A system that a person adds with ``sepbench add``.

    trained_on: what it has learnt from, in words. trained_on_tracks: names of tracks that it has learnt from.
    owner: whose it is: an email address, or a group's name.
    target: what its estimates are of. It is no row where another target is separated.

    Of a kind:
        option: the field that alone tells the kind, and is the option of ``sepbench add`` that does.
        keeps_parts: whether an estimate stands while the track and the system's version are the same.
        separates_songs: whether it can separate a song that is no test track.
        learns: whether it has learnt from some data.
        by_models: whether it separates by trained models of other systems.
        libraries: distributions whose version decides its estimates.
    """

    trained_on: str = field(default="", metadata=WORDS_ONLY)
    trained_on_tracks: tuple[str, ...] = field(default=(), metadata=WORDS_ONLY)
    owner: str = field(default="", metadata=WORDS_ONLY)
    target: str = neutral("vocals")

    chain: ClassVar[tuple[str, ...]] = ("estimates", "scores")
    compared = True
    option: ClassVar[str]
    keeps_parts: ClassVar[bool] = False
    separates_songs: ClassVar[bool] = False
    learns: ClassVar[bool] = True
    by_models: ClassVar[bool] = False
    libraries: ClassVar[tuple[str, ...]] = ()

    @property
    def learnt_from(self) -> tuple[str, ...]:
        """What it has learnt from: in words, and track by track."""
        return (self.trained_on, *self.trained_on_tracks)

    @property
    def functions(self) -> tuple[str, ...]:
        """Its own class."""
        return (f"{type(self).__module__}:{type(self).__qualname__}",)

    @property
    def files(self) -> Path | None:
        """A folder of files that decide its estimates, and that people may change."""
        return None

    @property
    def model_files(self) -> tuple[Path, ...]:
        """The files of the model that it separates with, in this process and by torch; none where there is no such."""
        return ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of other systems whose estimates it is made from."""
        return ()

    def version(self) -> Mapping[str, str]:
        """What else decides its estimates, by name: the version of a program, the hash of a file."""
        return {}

    def match(self, tracks: Sequence[str]) -> list[str]:  # noqa: ARG002
        """Sentences on how what was given fits the test tracks; raises UserError where nothing does."""
        return []

    def check(self) -> None:
        """Raise :class:`~sepmodels.errors.UserError` for what cannot be, before the system is added."""

    @contextmanager
    def opened(self, tracks: Tracks) -> Iterator[Separate]:  # noqa: ARG002
        """What separates one track after another; raises :class:`~sepmodels.errors.UserError` where it cannot.

        A track that it has no estimate of is such an error as well, and no other track's.
        """
        raise NotImplementedError(f"{self.name} has no estimates.")
        yield
