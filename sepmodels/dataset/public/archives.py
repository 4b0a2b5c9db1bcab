"""The public datasets as archives: where they are, what they must be, and the licence that they come with."""

import json
from dataclasses import dataclass
from pathlib import Path

from sepmodels.dataset.track import STEM_SUFFIX
from sepmodels.files import hash_file, hash_texts

# In the unpacked folder: which files it had, so that a change by hand is seen.
_NOTE = ".fetched.json"

LICENCE = """\
MUSDB18 may be used for education and research only: no commercial use without leave of the rights holders.
100 of its 150 songs come from DSD100 and so from the "Mixing Secrets" library, 46 from MedleyDB (CC BY-NC-SA 4.0),
2 from Native Instruments' stems pack, and 2 are by The Easton Ellises (CC BY-NC-SA 3.0). Each song's own licence:
https://github.com/sigsep/website/blob/master/content/datasets/assets/tracklist.csv
To be cited as: Z. Rafii, A. Liutkus, F.-R. Stoter, S. I. Mimilakis, R. Bittner: MUSDB18, a corpus for music
separation, 2017, https://doi.org/10.5281/zenodo.1117372 (MUSDB18-HQ: https://doi.org/10.5281/zenodo.3338373)."""


@dataclass(frozen=True)
class Archive:
    """One archive.

    size_bytes, md5: of the archive, as its record states them; md5 is empty where the record states none.
    tracks_sha256: of the tracks in it (:func:`tracks_hash`), or empty.
    unpacked_bytes: that its files take, about.
    restricted: whether its server may ask for a token.
    """

    title: str
    url: str
    size_bytes: int
    unpacked_bytes: int
    md5: str = ""
    tracks_sha256: str = ""
    restricted: bool = False

    @property
    def size(self) -> str:
        """The archive's size in words."""
        return f"{self.size_bytes / 1e9:.1f} GB" if self.size_bytes >= 1e9 else f"{self.size_bytes / 1e6:.0f} MB"

    @property
    def file(self) -> str:
        """The archive's own name, also on a mirror."""
        return self.url.removesuffix("/content").rpartition("/")[2]


# Sizes and checksums: of musdb18 from its Zenodo record (export/json); of musdb18hq from the same on 3338373, as public
# pipelines quote it. The preview is a release file without a checksum: its tracks are hashed instead.
ARCHIVES = {
    "musdb18-7s": Archive(
        title="MUSDB18's seven-second clips",
        url="https://github.com/sigsep/sigsep-mus-db/releases/download/v0.4.0/MUSDB18-7-STEMS.zip",
        size_bytes=147_209_385,
        unpacked_bytes=161_600_000,
        tracks_sha256="8892f9a3b0198e4864249bac315b58fef7959a4db1a8fdfd51ee456b68132f43",
    ),
    "musdb18": Archive(
        title="MUSDB18",
        url="https://zenodo.org/api/records/1117372/files/musdb18.zip/content",
        size_bytes=4_684_228_845,
        unpacked_bytes=5_300_000_000,
        md5="af06762477334799bfc5abf237648207",
        restricted=True,
    ),
    "musdb18hq": Archive(
        title="MUSDB18-HQ",
        url="https://zenodo.org/api/records/3338373/files/musdb18hq.zip/content",
        size_bytes=22_656_664_047,
        unpacked_bytes=31_700_000_000,
        md5="12d4f2ecd55245a4688754dd76363103",
        restricted=True,
    ),
}


def tracks_hash(folder: Path) -> str:
    """SHA-256 of the names and bytes of all stem files in ``train`` and ``test``."""
    files = sorted(file for split in ("train", "test") for file in folder.glob(f"{split}/*{STEM_SUFFIX}"))
    return hash_texts(f"{file.relative_to(folder).as_posix()} {hash_file(file)}" for file in files)


def note_as_fetched(folder: Path) -> None:
    """Leave a hidden note in a folder of what files it has."""
    (folder / _NOTE).write_text(json.dumps(_seen(folder), indent=0), encoding="utf-8")


def is_as_fetched(folder: Path) -> bool:
    """Whether a folder holds just what :func:`note_as_fetched` saw, by the files' names, sizes and times of change."""
    try:
        noted = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(noted == _seen(folder))


def _seen(folder: Path) -> dict[str, list[int]]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    states = ((path.relative_to(folder).as_posix(), path.stat()) for path in files)
    return {name: [state.st_size, state.st_mtime_ns] for name, state in sorted(states)}
