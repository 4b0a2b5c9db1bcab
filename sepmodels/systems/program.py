"""Systems that are a program with a command line, run on each track in a folder of its own."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sepmodels.audio import FULL_SCALE, SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.files import hash_texts
from sepmodels.systems.added import PLACE_ONLY, Added, Heard, Separate, Tracks
from sepmodels.systems.given_audio import fitted
from sepmodels.systems.watched import Watched

_VERSION_SECONDS = 60
_VERSION_CHARACTERS = 500
_STEM = "mixture"


@dataclass(frozen=True, kw_only=True)
class Program(Added):
    """A separator with a command line.

    command: as one types it; ``{mixture}`` is the file to separate, ``{out}`` a folder to write into, ``{stem}`` the
        mixture's name without its suffix. No shell reads it.
    vocals: the file that it writes, with the same words, and ``*`` for anything.
    version_command: what it prints says which version it is; another print makes its estimates stale.
    limit_minutes: for each track.
    """

    command: str
    vocals: str
    version_command: str = field(default="", metadata=PLACE_ONLY)
    limit_minutes: float = field(default=60.0, metadata=PLACE_ONLY)

    kind = "program"
    says = "A program's estimates; the accompaniment is the mixture minus these."
    option = "command"
    keeps_parts = True
    separates_songs = True

    def check(self) -> None:
        """Raise UserError for a command that cannot be one, and a version command that fails."""
        for option, text, needed in (("--command", self.command, "{mixture}"), ("--vocals", self.vocals, "{out}")):
            if needed not in text:
                raise UserError(f"{option} {text!r} has no {needed}: `sepbench add --help` has an example.")
        _words(self.command)
        if self.version_command:
            said = _printed(self.version_command)
            if said.startswith("failed:"):
                raise UserError(f"--version-command {self.version_command!r} {said}: give one that prints a version.")

    def version(self) -> Mapping[str, str]:
        """What the version command prints."""
        return {"printed": version_of(self.version_command)} if self.version_command else {}

    @contextmanager
    def opened(self, tracks: Tracks) -> Iterator[Separate]:  # noqa: ARG002
        """What runs it once for each track."""
        yield self._separate

    def _separate(self, track: str, mixture: np.ndarray) -> Heard:  # noqa: ARG002
        with tempfile.TemporaryDirectory(prefix="sepbench-") as scratch:
            folder = Path(scratch).resolve()
            out = folder / "out"
            out.mkdir()
            places = {"{mixture}": str(folder / f"{_STEM}.wav"), "{out}": str(out), "{stem}": _STEM}
            write_mixture(folder / f"{_STEM}.wav", mixture)
            words = [_filled(word, places) for word in _words(self.command)]
            with Watched(words, folder, self.name) as process:
                process.wait(self.limit_minutes * 60)
                file = self._written(folder, _filled(self.vocals, places), process)
                return replace(fitted(file, mixture), file=None)

    def _written(self, folder: Path, place: str, process: Watched) -> Path:
        """The file with the vocals; raises UserError where there is none, or two, or it lies elsewhere."""
        if not place.startswith(f"{folder}{os.sep}") or ".." in Path(place).parts:
            raise UserError(f"{self.name} is to write below {{out}}, not to {place}: mend --vocals.")
        found = [file for file in folder.glob(str(Path(place).relative_to(folder))) if file.is_file()]
        if len(found) == 1:
            return found[0]
        there = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
        which = "several files are" if found else "no file is"
        raise UserError(
            f"{self.name} has ended, but {which} {self.vocals} (there are {', '.join(there[:5])}){process.last_words()}"
        )


def write_mixture(path: Path, mixture: np.ndarray) -> None:
    """Write a mixture as a WAV file that every program reads: of 16 bits, where that is all it has."""
    import soundfile

    scaled = mixture * FULL_SCALE
    whole = np.abs(scaled).max(initial=0.0) < FULL_SCALE and bool((scaled == np.rint(scaled)).all())
    samples = scaled.astype(np.int16) if whole else mixture
    soundfile.write(path, samples.T, SAMPLE_RATE_HZ, subtype="PCM_16" if whole else "FLOAT")


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as fault:
        raise UserError(f"The command {command!r} cannot be read ({fault}): mend its quotes.") from None
    if not words:
        raise UserError("The command is empty: give what one types to separate {mixture}.")
    return words


def _filled(text: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        text = text.replace(name, value)
    return text


def version_of(command: str) -> str:
    """What a version command prints, asked once: the processes that come from this one know it."""
    variable = f"SEPBENCH_VERSION_{hash_texts([command])[:16]}"
    if variable not in os.environ:
        os.environ[variable] = _printed(command)
    return os.environ[variable]


def _printed(command: str) -> str:
    try:
        done = subprocess.run(
            _words(command), capture_output=True, timeout=_VERSION_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        return f"failed: {getattr(fault, 'strerror', None) or 'it takes too long'}"
    said = " ".join((done.stdout + done.stderr).decode(errors="replace").replace("\0", "").split())
    said = said[:_VERSION_CHARACTERS]
    return said if done.returncode == 0 and said else f"failed: status {done.returncode}, {said or 'nothing printed'}"
