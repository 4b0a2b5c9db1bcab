"""The folder for temporary files: one whose path sockets fit into, with some room."""

import os
import tempfile
from pathlib import Path

from sepmodels.errors import UserError
from sepmodels.machine.disk_room import require_room

LONGEST = (
    72  # bytes of a path: a socket's has at most 103, of which Python's multiprocessing takes 31 below this folder
)
SHORT = ("/tmp", "/var/tmp")
NEEDED_BYTES = 20e6  # sockets, pictures and spooled messages; what is large lies in the data folder on its way
REMEDY = "name another folder with TMPDIR"


def use_short_folder() -> None:
    """Let this process and its children keep temporary files where sockets can be, if their own folder is too deep.

    Raises :class:`UserError` where there is no such folder.
    """
    folder = tempfile.gettempdir()
    if len(os.fsencode(folder)) <= LONGEST:
        return
    for short in SHORT:
        if os.access(short, os.W_OK | os.X_OK):
            os.environ["TMPDIR"] = tempfile.tempdir = short
            return
    raise UserError(
        f"The path of the folder for temporary files, {folder}, is too long for sockets, and {' and '.join(SHORT)} "
        f"cannot be written to: {REMEDY}, of at most {LONGEST} bytes."
    )


def require_temporary_room() -> None:
    """Raise :class:`UserError` where the folder for temporary files has no room for those of a run."""
    require_room(Path(tempfile.gettempdir()), NEEDED_BYTES, "the temporary files of a run", REMEDY)
