"""Zip archives unpacked safely: nothing lands outside, no links, no bombs, and the folder is whole or absent."""

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from sepmodels.dataset.public.download import require_room
from sepmodels.errors import UserError
from sepmodels.progress import Progress, silent

_MOST_MEMBERS = 20_000
_BLOCK_BYTES = 1 << 20
_ENCRYPTED = 0x1


class DamagedArchiveError(UserError):
    """An archive that cannot be what it should be: it is of no use to try it again."""


def unpack(
    archive: Path,
    folder: Path,
    *,
    most_bytes: int,
    finish: Callable[[Path], None] = lambda _: None,
    progress: Progress = silent,
) -> None:
    """Unpack the dataset in a zip archive: what lies beside its ``train`` folder, and below.

    Everything is written to a folder beside, checked by the archive's own CRC-32, and renamed to ``folder``, which
    must be absent or empty. Hidden files (macOS leaves such) are passed over.

    most_bytes: that its files may have in all; a bomb has more.
    finish: given the unpacked folder before it gets its name, to check it; what it raises leaves nothing behind.

    Raises :class:`DamagedArchiveError` for an archive that is damaged, encrypted, has no ``train`` folder, would take
    more room, or holds a link or a name that leads elsewhere, and :class:`UserError` for a disk that is too small.
    """
    staging = folder.with_name(f".unpacking-{folder.name}")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as opened:
            members = list(_members(opened.infolist(), archive, most_bytes))
            require_room(folder.parent, sum(info.file_size for info, _ in members))
            for done, (info, place) in enumerate(members):
                progress(done, len(members), "file")
                _write(opened, info, staging / place)
        progress(len(members), len(members), "file")
        finish(staging)
        if folder.exists():
            folder.rmdir()
        staging.replace(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DamagedArchiveError(f"{archive} is damaged ({error}): it must be fetched again.") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _members(
    infos: Sequence[zipfile.ZipInfo], archive: Path, most_bytes: int
) -> Iterator[tuple[zipfile.ZipInfo, Path]]:
    """The files to write, with their places in the folder; raises for an archive that is not to be trusted."""
    if len(infos) > _MOST_MEMBERS or sum(info.file_size for info in infos) > most_bytes:
        raise DamagedArchiveError(
            f"{archive} would unpack to more than {most_bytes / 1e9:.1f} GB: it is not the dataset."
        )
    for info in infos:
        _check(info, archive)
    paths = [PurePosixPath(info.filename) for info in infos]
    roots = {path.parts[: path.parts.index("train")] for path in paths if "train" in path.parts and not _hidden(path)}
    if not roots:
        raise DamagedArchiveError(f"{archive} has no folder named train: it is not the dataset.")
    root = min(roots, key=len)
    seen = set()
    for info, path in zip(infos, paths, strict=True):
        if info.is_dir() or _hidden(path) or path.parts[: len(root)] != root:
            continue
        if str(path) in seen:
            raise DamagedArchiveError(f"{archive} holds {info.filename!r} twice: it is not the dataset.")
        seen.add(str(path))
        yield info, Path(*path.parts[len(root) :])


def _check(info: zipfile.ZipInfo, archive: Path) -> None:
    path, kind = PurePosixPath(info.filename), stat.S_IFMT(info.external_attr >> 16)
    outside = path.is_absolute() or ".." in path.parts or any(sign in info.filename for sign in "\\:")
    if outside or kind not in (0, stat.S_IFREG, stat.S_IFDIR) or info.flag_bits & _ENCRYPTED:
        raise DamagedArchiveError(
            f"{archive} holds {info.filename!r}, which leads out of the folder, is no plain file or is encrypted: it "
            "is not the dataset."
        )


def _hidden(path: PurePosixPath) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def _write(opened: zipfile.ZipFile, info: zipfile.ZipInfo, place: Path) -> None:
    """One file, on disk when this returns; zipfile compares its CRC-32, and gives no more than its stated size."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(info) as source, place.open("xb") as target:
        shutil.copyfileobj(source, target, _BLOCK_BYTES)
        target.flush()
        os.fsync(target.fileno())
