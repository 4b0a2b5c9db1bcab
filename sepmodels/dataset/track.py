"""One song of a dataset: its name, its split and its files."""

from dataclasses import dataclass
from pathlib import Path

from sepmodels.marks import neutral

STEM_SUFFIX = ".stem.mp4"


@dataclass(frozen=True)
class Track:
    """One song: its name, its split (``train``, ``valid`` or ``test``), and its file or files.

    roles: of each file, where there are several (:func:`sepmodels.dataset.roles.roles_of`). left_out: files that do not
    count. voice_channel: of a file of two-channel karaoke, the channel of the voice. mapping: the file that tells the
    roles, if any does. target: what is separated from the rest of it.
    """

    name: str
    split: str
    sources: tuple[Path, ...]
    roles: tuple[str, ...] = ()
    left_out: tuple[Path, ...] = ()
    voice_channel: str = neutral("none")
    mapping: str | None = neutral(None)
    target: str = neutral("vocals")
