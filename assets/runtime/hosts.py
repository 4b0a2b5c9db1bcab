"""Which machines work in a data folder: each renews a file there for as long as a process of its leads a run."""

from contextlib import suppress
from pathlib import Path

from assets import database
from sepmodels.files import mark_of
from sepmodels.machine.heartbeat import age_seconds, is_silent, keep_beating
from sepmodels.machine.identity import machine_name, this_host

POOL = "gpu"
FORGOTTEN_SECONDS = 7 * 86_400.0  # after which the sign of a machine that was is thrown away


def _folder(data: Path) -> Path:
    return data / "locks" / "hosts"


def pool_name() -> str:
    """Dagster's pool for trainings and separations; where machines share its history, each has one of its own."""
    return f"{POOL}-{machine_name()}" if database.is_used() else POOL


def show_presence(data: Path) -> None:
    """Let other machines see, to the end of this process, that this one works in the data folder."""
    file = _folder(data) / this_host()
    file.parent.mkdir(parents=True, exist_ok=True)
    for other in file.parent.iterdir():
        with suppress(FileNotFoundError):
            if age_seconds(other) > FORGOTTEN_SECONDS:
                other.unlink()
    file.touch()
    keep_beating(file)


def is_present(data: Path, host: str) -> bool:
    """Whether a machine works in the data folder, so that its processes may live: this one, or one that is heard of."""
    return host == this_host() or not is_silent(_folder(data) / host)


def others_are_present(data: Path) -> bool:
    """Whether any other machine works in the data folder."""
    hosts = (file.name for file in _folder(data).glob("[!.]*"))
    return any(is_present(data, host) for host in hosts if host != this_host())


def is_mark_present(data: Path, mark: str) -> bool:
    """The same by a machine's mark (:func:`sepmodels.files.mark_of`)."""
    hosts = (file.name for file in _folder(data).glob("[!.]*"))
    return any(mark_of(host) == mark and is_present(data, host) for host in hosts)
