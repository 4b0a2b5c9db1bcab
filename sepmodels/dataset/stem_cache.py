"""The stem cache: one ``.npy`` per track, int16 (5, 2, sample), read through a memory map.

Beside ``<track>.npy`` lies ``<track>.json``, which says what the array was made from and its checksum; it is
written last, so that an array without one is not yet known to be whole. The folder belongs to the cache alone:
what is not of the dataset is removed from it.
"""

import errno
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from sepmodels.audio import STREAMS
from sepmodels.dataset.decoding import bytes_decoded, read_track
from sepmodels.dataset.track import Track
from sepmodels.errors import UserError
from sepmodels.files import hash_arrays, hash_texts, remove_half_written, replacing
from sepmodels.machine.parallel import for_each, raise_all
from sepmodels.marks import words_only
from sepmodels.progress import Progress, silent
from sepmodels.settings import DatasetSettings


@dataclass(frozen=True)
class CacheReport:
    """What :func:`build_cache` did: names of tracks decoded, kept and removed; the checksum of each array there is."""

    decoded: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    hashes: dict[str, str]
    size_bytes: int

    @property
    def content(self) -> str:
        """One hash of all arrays and their tracks' names."""
        return _hash_of_all(self.hashes)

    def figures(self) -> dict[str, int]:
        """Counts, and the bytes on disk."""
        counts = {"decoded": len(self.decoded), "kept": len(self.kept), "removed": len(self.removed)}
        return {**counts, "bytes": self.size_bytes}


def build_cache(
    tracks: Sequence[Track],
    table: pd.DataFrame,
    folder: Path,
    settings: DatasetSettings,
    *,
    code_version: str = "",
    progress: Progress = silent,
) -> CacheReport:
    """Make ``folder`` hold exactly ``tracks``, decoding only what is missing, changed or damaged.

    table: of :func:`sepmodels.dataset.tracks.describe_tracks`; its ``source_hash`` says what each array must be made
    from. Every array that is kept is read and compared with its checksum.
    code_version: of the code that decodes; what another made is decoded again.

    Files are whole or absent, and what was finished before an interrupt or an error stays. Raises one
    :class:`UserError` that lists all tracks that cannot be decoded, after decoding the others, and one at once
    when the disk is full or the folder not writable.
    """
    source_hashes = dict(zip(table["name"], table["source_hash"], strict=True))
    ensure = functools.partial(_ensure, folder=folder, source_hashes=source_hashes, code_version=code_version)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        removed = _sweep(folder, {track.name for track in tracks})
        largest = max((bytes_decoded(track) for track in tracks), default=0)
        made, faults = for_each(ensure, tracks, workers=settings.workers, bytes_each=largest, progress=progress)
    except OSError as error:
        raise _unwritable(folder, error, int(table["samples"].sum())) from error
    raise_all(faults, f"These tracks cannot be decoded (the other {len(made)} are in {folder}):")
    return CacheReport(
        decoded=tuple(name for name, done, _ in made if done == "decoded"),
        kept=tuple(name for name, done, _ in made if done == "kept"),
        removed=removed,
        hashes={name: checksum for name, _, checksum in made},
        size_bytes=sum(_array_path(folder, name).stat().st_size for name, _, _ in made),
    )


def load_stems(folder: Path, name: str) -> np.ndarray:
    """A track's stems, int16 (5, 2, sample), as a read-only memory map: what is not touched is not read.

    Raises :class:`UserError` if the track is not in the cache or its file is damaged.
    """
    path = _array_path(folder, name)
    try:
        stems: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"The stem cache has no {path}: make the stems again.") from None
    except (ValueError, EOFError, OSError) as error:
        raise UserError(f"{path} is damaged ({error}): make the stems again, which replaces it.") from None
    if stems.dtype != np.int16 or stems.ndim != 3 or stems.shape[:2] != (len(STREAMS), 2):
        raise UserError(f"{path} holds {stems.dtype} {stems.shape}, not int16 (5, 2, sample): make the stems again.")
    return stems


def cached_names(folder: Path) -> list[str]:
    """The names of the tracks in a cache, sorted."""
    names = (path.name.removesuffix(".json") for path in folder.glob("*.json"))
    return sorted(name for name in names if not name.startswith("."))


def cache_content(folder: Path) -> str:
    """What :attr:`CacheReport.content` was when the cache was made, without reading the arrays."""
    entries = {name: _read_entry(folder, name) or {} for name in cached_names(folder)}
    return _hash_of_all({name: str(entry.get("array_hash")) for name, entry in entries.items()})


def _hash_of_all(hashes: Mapping[str, str]) -> str:
    return hash_texts(f"{name}|{checksum}" for name, checksum in sorted(hashes.items()))


def _ensure(
    track: Track, folder: Path, source_hashes: dict[str, str], code_version: str
) -> tuple[str, Literal["kept", "decoded"], str]:
    """Keep a track's array if it is the right one and whole, else decode it; returns its checksum too."""
    origin = {"source_hash": source_hashes[track.name], "made_by": code_version}
    entry = _read_entry(folder, track.name)
    if entry is not None and origin.items() <= entry.items():
        checksum = _checksum(folder, track.name)
        if checksum is not None and checksum == entry.get("array_hash"):
            return track.name, "kept", checksum
    stems = read_track(track).stems
    with replacing(_array_path(folder, track.name)) as temporary:
        _write_array(temporary, stems)
    checksum = hash_arrays(load_stems(folder, track.name))
    with replacing(_entry_path(folder, track.name)) as temporary:
        temporary.write_text(json.dumps({**origin, "array_hash": checksum}, indent=1) + "\n", encoding="utf-8")
    return track.name, "decoded", checksum


def _write_array(path: Path, stems: np.ndarray) -> None:
    """``np.save``, a channel at a time: no copy of an array that is a view, and errors that name their cause."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(stems))
        for stem in stems:
            for channel in stem:
                file.write(np.ascontiguousarray(channel).data)


def _checksum(folder: Path, name: str) -> str | None:
    try:
        return hash_arrays(load_stems(folder, name))
    except UserError:
        return None


def _read_entry(folder: Path, name: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(_entry_path(folder, name).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return entry if isinstance(entry, dict) else None


def _sweep(folder: Path, names: set[str]) -> tuple[str, ...]:
    """Remove arrays that are not of ``names``, and what killed processes left half written; returns the names."""
    remove_half_written(folder)
    removed = set()
    for path in folder.iterdir():
        if path.suffix in (".npy", ".json") and path.stem not in names and not path.name.startswith(".tmp-"):
            path.unlink()
            removed.add(path.stem)
    return tuple(sorted(removed))


def _array_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.npy"


def _entry_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


@words_only
def _unwritable(folder: Path, error: OSError, samples: int) -> UserError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        gigabytes = samples * len(STREAMS) * 2 * 2 / 1e9
        return UserError(
            f"The disk of {folder} is full: the stems of this dataset take {gigabytes:.1f} GB in all. Free space or "
            "choose another data folder, and run again: the tracks that are done are kept."
        )
    return UserError(f"The stem cache in {folder} cannot be written ({error}): make the folder writable.")
