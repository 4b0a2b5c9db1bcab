"""A small dataset that is made here: fourteen short songs with a singing voice, offline and from a seed.

They lie on disk as MUSDB18 does (``train`` and ``test`` with a five-stream ``.stem.mp4`` for each song), so the
benchmark walks the same path with them as with the real music.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sepmodels.audio import SAMPLE_RATE_HZ, STREAMS
from sepmodels.audio.probing import probe, require_ffmpeg
from sepmodels.dataset.demo.plans import SONGS, SongPlan
from sepmodels.dataset.demo.song import make_song
from sepmodels.errors import UserError
from sepmodels.files import hash_file, temporary_beside
from sepmodels.marks import SpeedOnly
from sepmodels.progress import Progress, silent

MANIFEST = "demo.json"
SUFFIX = ".stem.mp4"
BITRATE = 256_000  # bits per second of each stream, as in MUSDB18
ENCODERS: SpeedOnly[int] = 2
ABANDONED_SECONDS: SpeedOnly[float] = 3600
FULL_DISK_BYTES: SpeedOnly[int] = 20 * 2**20  # less than this free: a failed write is put down to a full disk


def make_demo(folder: Path, *, songs: Sequence[SongPlan] = SONGS, progress: Progress = silent) -> None:
    """Make the demo dataset: ``folder/train/*.stem.mp4`` and ``folder/test/*.stem.mp4``.

    Returns at once if it is there, whole and made by this version of the generator; a damaged or outdated one is
    made again. The folder gets its name only when all is written. Two runs give the same audio.

    Raises :class:`UserError` if ffmpeg is missing, the disk is full or not writable, or ``folder`` holds other
    files, which are left alone.
    """
    folder = folder.resolve()
    if is_complete(folder, songs):
        return
    _refuse_strangers(folder)
    require_ffmpeg()
    with _disk_faults_told(folder), _temporary_sibling(folder) as unfinished:
        with _full_disk_told(folder):
            _write_songs(unfinished, songs, progress)
        if not is_complete(folder, songs):  # another process may have been quicker
            _swap(unfinished, folder)


def is_complete(folder: Path, songs: Sequence[SongPlan] = SONGS) -> bool:
    """Whether the folder holds exactly what this version of the generator wrote: same files, same bytes."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        generator, hashes = manifest["generator"], dict(manifest["files"])
    except (OSError, ValueError, TypeError, KeyError):
        return False
    there = {path.relative_to(folder).as_posix(): path for path in folder.glob(f"*/*{SUFFIX}")}
    return (
        generator == _generator(songs)
        and there.keys() == hashes.keys()
        and all(hash_file(path) == hashes[name] for name, path in there.items())
    )


def _generator(songs: Sequence[SongPlan]) -> str:
    """What decides the songs, as a hash: this package's own source, and the plans."""
    digest = hashlib.sha256(repr(tuple(songs)).encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _write_songs(folder: Path, songs: Sequence[SongPlan], progress: Progress) -> None:
    """Make all songs, ffmpeg encoding one while the next is made, and last the manifest of a whole folder."""
    paths = [folder / plan.split / f"{plan.name}{SUFFIX}" for plan in songs]
    written: list[Future[None]] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(ENCODERS) as encoders:
        warnings.simplefilter("ignore", ResourceWarning)  # stempeg leaves ffmpeg's closed pipes to the collector
        for done, (path, plan) in enumerate(zip(paths, songs, strict=True)):
            progress(done, len(songs), "song")
            stems = make_song(plan)
            if done >= ENCODERS:  # keeps few songs in memory, and ends early on a full disk
                written[done - ENCODERS].result()
            written.append(encoders.submit(_write_stems, path, stems))
        for future in written:
            future.result()
    progress(len(songs), len(songs), "song")
    hashes = {path.relative_to(folder).as_posix(): hash_file(path) for path in paths}
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps({"generator": _generator(songs), "files": hashes}, indent=2) + "\n")
    _flush(manifest)


def _write_stems(path: Path, stems: NDArray[np.float32]) -> None:
    """Write a song's streams (stream, channel, sample) by stempeg, and see to it that they are whole and on disk."""
    import stempeg  # not at the top: it refuses to be imported on a machine without ffmpeg

    path.parent.mkdir(exist_ok=True)
    write = stempeg.StreamsWriter(codec="aac", bitrate=BITRATE, stem_names=list(STREAMS))
    write(np.ascontiguousarray(stems.transpose(0, 2, 1)), str(path), SAMPLE_RATE_HZ)
    # stempeg does not look at how ffmpeg's first run ended, so a song could have been cut short
    seconds = stems.shape[-1] / SAMPLE_RATE_HZ
    headers = probe(path)
    if len(headers) != len(STREAMS) or any(abs((header.seconds or 0) - seconds) > 0.01 for header in headers):
        raise RuntimeError(f"ffmpeg wrote {path.name} incompletely: {headers}")
    _flush(path)


def _flush(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())


def _refuse_strangers(folder: Path) -> None:
    """Raise :class:`UserError` if replacing the folder would delete a file that is not the demo's."""
    if folder.is_file():
        raise UserError(f"{folder} is a file, and the demo songs need a folder: name another one.")
    for path in sorted(folder.rglob("*")):
        own = path.is_dir() or path.name.startswith(".") or path == folder / MANIFEST
        if not own and not (path.parent.parent == folder and path.match(f"Demo ?? - *{SUFFIX}")):
            raise UserError(
                f"{path} is not one of the demo songs, which would replace all that is in {folder}: "
                "move it away, or name another folder."
            )


@contextmanager
def _temporary_sibling(folder: Path) -> Iterator[Path]:
    """A folder beside ``folder`` to write to, removed in the end; what killed runs left behind goes as well."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for leftover in folder.parent.glob(f".tmp-*-{folder.name}"):
        if time.time() - leftover.stat().st_mtime > ABANDONED_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)
    temporary = temporary_beside(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap(unfinished: Path, folder: Path) -> None:
    """Give the finished folder its name; the one that had it, if any, goes."""
    aside = unfinished / ".replaced"
    if folder.exists():
        folder.rename(aside)
    unfinished.rename(folder)
    shutil.rmtree(folder / aside.name, ignore_errors=True)


@contextmanager
def _full_disk_told(folder: Path) -> Iterator[None]:
    """Turn whatever failed for want of space into one sentence; ffmpeg and stempeg report it in many ways."""
    try:
        yield
    except (OSError, RuntimeError, UserError, Warning):
        for place in (folder.parent, Path(tempfile.gettempdir())):
            free = shutil.disk_usage(place).free
            if free < FULL_DISK_BYTES:
                raise UserError(
                    f"The disk that holds {place} is full ({free / 2**20:.0f} MB left): making the demo songs takes "
                    f"about 80 MB there; free some space, or name another folder than {folder}."
                ) from None
        raise


@contextmanager
def _disk_faults_told(folder: Path) -> Iterator[None]:
    """Turn a folder that cannot be written into one sentence."""
    try:
        yield
    except OSError as fault:
        raise UserError(
            f"{folder} cannot be written ({fault.strerror}): name a folder that you may write to."
        ) from None
