"""Room on a disk, asked for before the work that needs it."""

import shutil
from pathlib import Path

from sepmodels.errors import UserError


def require_room(folder: Path, needed_bytes: float, what_for: str, remedy: str) -> None:
    """Raise :class:`UserError` where the disk that holds ``folder`` has not that many bytes free.

    folder: or one that is yet to be made; the nearest that is there is asked.
    """
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < needed_bytes:
        raise UserError(
            f"The disk that holds {folder} has {free / 1e6:.0f} MB free, and {what_for} takes about "
            f"{needed_bytes / 1e6:.0f} MB there: make room, or {remedy}."
        )
