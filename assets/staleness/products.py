"""The files that a step makes, the note that it has begun to make them, and the lock that it makes them alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from assets.other_test_sets import scope
from assets.paths import Paths
from assets.step import Step
from sepmodels.files import replacing
from sepmodels.machine.folder_lock import FolderLock
from sepmodels.settings import Profile
from sepmodels.systems.system import System


def products(step: Step, profile: Profile, paths: Paths) -> Iterator[Path]:
    """The files and folders that the step makes; for training and separation, one of each seed."""
    profile, paths = scope(step, profile, paths)
    match step.part:
        case ("dataset",):
            # songs made here are made again where they are gone; others would have to be fetched again
            yield paths.dataset if profile.dataset.layout == "demo" else paths.manifest
        case ("tracks",):
            yield paths.tracks
        case ("stems", split):
            yield paths.stems(split)
        case ("statistics",):
            yield paths.statistics
        case (name, "checkpoint"):
            yield from (paths.model(name, seed) for seed in profile.seeds)
        case (name, "estimates"):
            yield from (paths.estimates(name, seed) for seed in _system(step).seeds_of(profile.seeds))
        case (name, "scores"):
            yield paths.scores(name)
        case (name, "measures"):
            yield paths.measured(name)
        case ("results",):
            yield paths.results
        case ("claims",):
            yield paths.claims
        case ("report",):
            yield paths.report / "index.html"


def _system(step: Step) -> System:
    assert step.system is not None
    return step.system


def sizes(made: Iterable[Path]) -> dict[str, int]:
    """The size of every file in those of the products that are folders, by the folder's name and the file's in it."""
    files = ((folder, file) for folder in made if folder.is_dir() for file in sorted(folder.rglob("*")))
    return {_name(folder, file): file.stat().st_size for folder, file in files if file.is_file()}


def changed_files(made: Iterable[Path], noted: Mapping[str, int]) -> list[Path]:
    """What of the files that :func:`sizes` noted is gone, or has another size."""
    folders = {folder.name: folder for folder in made}
    named = ((folders.get(name.partition("/")[0]), name.partition("/")[2], size) for name, size in noted.items())
    return [folder / rest for folder, rest, size in named if folder and _size(folder / rest) != size]


def _name(folder: Path, file: Path) -> str:
    return f"{folder.name}/{file.relative_to(folder).as_posix()}"


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None


@contextmanager
def alone(note: Path, run_id: str, say: Callable[[str], None]) -> Iterator[None]:
    """Let no other process make the product within the block; wait for one that does, and say for which run.

    Two runs at once (of the pages, of these and the command line, or of two machines) would write into each other's
    files.
    """
    lock = FolderLock(note.with_name(f"{note.name}.held"), run_id)
    with lock.acquire(met=lambda run: say(f"Another run ({run[:8] or 'just begun'}) is making it: waiting for that.")):
        yield


def begin(note: Path, run_id: str) -> None:
    """Note, before a product is touched, which run makes it."""
    with replacing(note) as temporary:
        temporary.write_text(run_id, encoding="utf-8")


def begun_by(note: Path) -> str | None:
    """The run that last began to make the product; None where that is not known."""
    try:
        return note.read_text(encoding="utf-8")
    except OSError:
        return None
