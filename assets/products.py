"""The files that a step makes, the note that it has begun to make them, and the lock that it makes them alone."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from assets.paths import Paths
from assets.steps import Step
from sepmodels.files import replacing
from sepmodels.settings import Profile


def products(step: Step, profile: Profile, paths: Paths) -> Iterator[Path]:
    """The files and folders that the step makes; for training and separation, one of each seed."""
    match step.path:
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
            yield from (paths.estimates(name, seed) for seed in profile.seeds)
        case (name, "scores"):
            yield paths.scores(name)
        case ("results",):
            yield paths.results
        case ("report",):
            yield paths.report / "index.html"


@contextmanager
def alone(note: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Let no other process make the product within the block; wait for one that does.

    Two runs at once (of the pages, or of these and the command line) would write into each other's files. The system
    lets go of the lock when a process ends, in whatever way.
    """
    note.parent.mkdir(parents=True, exist_ok=True)
    with note.with_name(f"{note.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another run is making it: waiting for that.")
            fcntl.flock(lock, fcntl.LOCK_EX)
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
