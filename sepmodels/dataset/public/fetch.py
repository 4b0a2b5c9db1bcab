"""From a public archive to a dataset's folder: fetched, checked, unpacked."""

import functools
from pathlib import Path

from sepmodels.dataset.public.archives import Archive, note_as_fetched, tracks_hash
from sepmodels.dataset.public.download import download, part_of, require_room
from sepmodels.dataset.public.http import PATIENT, Patience, RemoteFile
from sepmodels.dataset.public.unpack import DamagedArchiveError, unpack
from sepmodels.progress import Progress, Say, silent


def obtain(
    archive: Archive,
    folder: Path,
    *,
    token: str = "",
    mirror: str = "",
    patience: Patience = PATIENT,
    progress: Progress = silent,
    say: Say = lambda _: None,
) -> None:
    """Fetch an archive, unpack it as ``folder``, and remove it; what is done already is not done again.

    The archive lies beside the folder meanwhile. Half of the room on disk is thus free again at the end, and what
    is kept is what is read.

    token: for records with restricted access; sent to the archive's own server only.
    mirror: the URL of a folder that has the archive under its own name, in place of its public server.

    Raises :class:`UserError` as :func:`~sepmodels.dataset.public.download.download` and
    :func:`~sepmodels.dataset.public.unpack.unpack` do, and when the tracks are not those that are published.
    """
    place = folder.parent / archive.file
    url = f"{mirror.rstrip('/')}/{archive.file}" if mirror else archive.url
    folder.parent.mkdir(parents=True, exist_ok=True)
    here = (file.stat().st_size for file in (place, part_of(place)) if file.exists())
    require_room(folder.parent, archive.size_bytes - next(here, 0) + archive.unpacked_bytes)
    remote = RemoteFile(url, archive.size_bytes, archive.md5, token if archive.restricted and not mirror else "")
    download(remote, place, patience=patience, progress=progress, say=say)
    say(f"{archive.file} is here; it is unpacked.")
    finish = functools.partial(_check_and_note, archive)
    try:
        unpack(place, folder, most_bytes=4 * archive.unpacked_bytes, finish=finish, progress=progress)
    except DamagedArchiveError:
        place.unlink()
        raise
    place.unlink()


def _check_and_note(archive: Archive, folder: Path) -> None:
    if archive.tracks_sha256 and tracks_hash(folder) != archive.tracks_sha256:
        raise DamagedArchiveError(
            f"The tracks in {archive.file} are not those of {archive.title}: fetch it again, or from another place."
        )
    note_as_fetched(folder)
