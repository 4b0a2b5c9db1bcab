"""The zip file of a pack: written so that the same content gives the same bytes, and read without trust."""

import hashlib
import io
import json
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sepmodels.errors import UserError
from sepmodels.files import hash_file, replacing
from sepmodels.progress import Progress, silent

MANIFEST = "manifest-sha256.txt"  # as of BagIt (RFC 8493); `sha256sum -c` reads it too
MOST_MEMBERS = 200_000
MOST_BYTES = 200_000_000_000  # of all parts together: a whole benchmark with its models
MOST_PART_BYTES = 500_000_000  # of one that is read into memory
MOST_VALUES = 200_000_000  # of one table; a few bytes of Parquet can say that a value comes a billion times
_BLOCK_BYTES = 1 << 20
_WHEN = (1980, 1, 1, 0, 0, 0)  # of every part: the earliest that a zip file can say
_ENCRYPTED = 0x1

Parts = Mapping[str, bytes | Path]


def write_pack(parts: Parts, file: Path, progress: Progress = silent) -> str:
    """Write the parts and their manifest as one zip file, whole or not at all; gives the pack's hash.

    The hash is that of the manifest, which has the hash of every other part: it tells packs apart by what they hold.
    """
    hashes = {name: _hash(parts[name]) for name in sorted(parts)}
    listing = manifest(hashes).encode()
    with replacing(file) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as target:
        for done, (name, source) in enumerate(sorted({**parts, MANIFEST: listing}.items())):
            progress(done, len(parts) + 1, "file")
            about = zipfile.ZipInfo(name, _WHEN)
            about.compress_type, about.create_system = zipfile.ZIP_DEFLATED, 3  # Unix, wherever it is written
            about.external_attr = (stat.S_IFREG | 0o644) << 16
            with _opened(source) as stream, target.open(about, "w", force_zip64=True) as into:
                while block := stream.read(_BLOCK_BYTES):
                    into.write(block)
        progress(len(parts) + 1, len(parts) + 1, "file")
    return hashlib.sha256(listing).hexdigest()


def manifest(hashes: Mapping[str, str]) -> str:
    """A line for each part: its SHA-256, and its name."""
    return "".join(f"{checksum}  {name}\n" for name, checksum in sorted(hashes.items()))


def as_parquet(table: pd.DataFrame) -> bytes:
    """A table as a part in Parquet, without its index."""
    into = io.BytesIO()
    table.to_parquet(into, index=False)
    return into.getvalue()


def as_json(content: object) -> bytes:
    """A part in JSON; the same content gives the same bytes."""
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _hash(source: bytes | Path) -> str:
    return hash_file(source) if isinstance(source, Path) else hashlib.sha256(source).hexdigest()


@contextmanager
def _opened(source: bytes | Path) -> Iterator[IO[bytes]]:
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as stream:
        yield stream


class Pack:
    """A pack that somebody handed over. Nothing of it is run, unpickled or written to disk, unless it is asked for.

    file: its name, for messages. names: of its parts, sorted.
    """

    def __init__(self, file: Path, archive: zipfile.ZipFile) -> None:
        self.file = file
        self._archive = archive
        self._infos = {info.filename: info for info in _sound(archive.infolist(), file) if not info.is_dir()}
        self.names = sorted(self._infos)

    @property
    def hash(self) -> str:
        """The SHA-256 of its manifest: of all that it holds."""
        return hashlib.sha256(self.read(MANIFEST)).hexdigest()

    def below(self, folder: str) -> list[str]:
        """The names of the parts in a folder of the pack."""
        return [name for name in self.names if name.startswith(f"{folder}/")]

    def size_of(self, name: str) -> int:
        """The bytes of a part."""
        return self._infos[name].file_size

    def stream(self, name: str) -> Iterator[bytes]:
        """A part, block by block. Raises UserError where it is not there or damaged."""
        if name not in self._infos:
            raise UserError(f"{self.file} has no {name}: expected a pack that `sepbench pack` wrote.")
        try:
            with self._archive.open(self._infos[name]) as source:
                while block := source.read(_BLOCK_BYTES):
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as fault:
            raise UserError(f"{self.file} is damaged at {name} ({fault}): get it again.") from None

    def hash_of(self, name: str) -> str:
        """The SHA-256 of a part."""
        digest = hashlib.sha256()
        for block in self.stream(name):
            digest.update(block)
        return digest.hexdigest()

    def read(self, name: str) -> bytes:
        """A part as a whole; raises UserError for one that is larger than such parts are, too."""
        if name in self._infos and self._infos[name].file_size > MOST_PART_BYTES:
            raise UserError(
                f"{self.file} has a {name} of more than {MOST_PART_BYTES / 1e6:.0f} MB: it is no such part."
            )
        return b"".join(self.stream(name))

    def text(self, name: str) -> str:
        """A part that is text."""
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError:
            raise UserError(f"{self.file} has a {name} that is no text in UTF-8: get it again.") from None

    def json(self, name: str) -> Any:
        """What a part in JSON says."""
        try:
            return json.loads(self.text(name))
        except (ValueError, RecursionError) as fault:
            raise UserError(f"{self.file} has a {name} that is no JSON ({fault}): get it again.") from None

    def table(self, name: str) -> pd.DataFrame:
        """A part in Parquet. Notes for other programs in it are left out."""
        content = self.read(name)
        try:
            opened = pq.ParquetFile(io.BytesIO(content))
            if opened.metadata.num_rows * opened.metadata.num_columns > MOST_VALUES:
                raise UserError(f"{self.file} has a {name} of more than {MOST_VALUES:,} values: it is no such table.")
            table: pd.DataFrame = opened.read().replace_schema_metadata(None).to_pandas()
        except (pa.ArrowException, OSError, ValueError) as fault:
            reason = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
            raise UserError(f"{self.file} has a {name} that is no Parquet table ({reason}): get it again.") from None
        return table


@contextmanager
def opened_pack(file: Path) -> Iterator[Pack]:
    """The pack in a zip file.

    Raises UserError for what is no zip file, and for one that is not to be trusted: with names that lead out of it,
    links, encrypted parts, a name twice, or more than a pack can hold.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, NotImplementedError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise UserError(f"{file} is no pack ({reason}): name a zip file that `sepbench pack` wrote.") from None
    with archive:
        yield Pack(file, archive)


def _sound(infos: list[zipfile.ZipInfo], file: Path) -> list[zipfile.ZipInfo]:
    """The members; raises UserError for a file that is not to be trusted."""
    if len(infos) > MOST_MEMBERS or sum(info.file_size for info in infos) > MOST_BYTES:
        raise UserError(
            f"{file} says that it holds {len(infos):,} files of {sum(info.file_size for info in infos) / 1e9:,.0f} GB: "
            "no pack does; get it again from whoever made it."
        )
    seen: set[str] = set()
    for info in infos:
        path, kind = PurePosixPath(info.filename), stat.S_IFMT(info.external_attr >> 16)
        outside = path.is_absolute() or ".." in path.parts or any(sign in info.filename for sign in "\\\n\r")
        if outside or kind not in (0, stat.S_IFREG, stat.S_IFDIR) or info.flag_bits & _ENCRYPTED:
            raise UserError(
                f"{file} holds {info.filename!r}, which leads out of the pack, is no plain file or is encrypted: "
                "do not use it."
            )
        if info.filename in seen:
            raise UserError(f"{file} holds {info.filename!r} twice: do not use it.")
        seen.add(info.filename)
    return infos
