"""A target other than the vocals: tracks that have it, and its place among a track's streams.

All that learns, separates and scores takes the last stream of the stem cache for the target, and those between it and
the mixture for the rest. So another target stands there, and the vocals in its place.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np

from sepmodels.audio import STREAMS
from sepmodels.errors import UserError

_NOT_OTHER = frozenset(STREAMS) - {"other"}


class _Track(Protocol):
    """What counts here of :class:`sepmodels.dataset.track.Track`."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def name(self) -> str: ...
    @property
    def roles(self) -> tuple[str, ...]: ...


T = TypeVar("T", bound=_Track)


def aimed(tracks: Iterable[T], target: str, folder: Path, *, beside: bool = False) -> tuple[T, ...]:
    """The tracks with that target; raises :class:`UserError` where some of a dataset's tracks lack it.

    folder: of the dataset. beside: whether it is a test set beside the profile's own.
    """
    tracks = tuple(tracks)
    lacking = [track for track in tracks if track.roles and not _has(track, target)]
    if lacking:
        one = lacking[0]
        advice = "separate what all have (the setting target), or name a dataset that has it (--dataset DIR)"
        if beside:
            advice = "name another folder for this test set, or leave it out (the setting test_sets)"
        raise UserError(
            f"The dataset in {folder} has no {target} in {len(lacking)} of {len(tracks)} tracks, such as {one.name!r}, "
            f"which has {', '.join(dict.fromkeys(one.roles))}: {advice}."
        )
    return tuple(replace(track, target=target) for track in tracks)


def _has(track: _Track, target: str) -> bool:
    if target == "other":  # all that is called otherwise, or the mixture without the vocals
        return not set(track.roles) <= _NOT_OTHER or set(track.roles) == {"mixture", "vocals"}
    return target in track.roles


def change_places(stems: np.ndarray, target: str) -> None:
    """Let the target and the vocals change places among a track's streams ``(5, channel, sample)``, in place.

    Of streams in the order of :data:`~sepmodels.audio.STREAMS` it makes those of the stem cache, and the other way.
    """
    places = [STREAMS.index(target), STREAMS.index("vocals")]
    stems[places] = stems[places[::-1]]
