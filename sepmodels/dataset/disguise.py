"""Whether a test set is the training data in disguise: the same recordings, whatever their files are called."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from sepmodels.dataset.likeness import alike
from sepmodels.errors import UserError

LEARNT_FROM = ("train", "valid")
_MOST_NAMES = 3


def require_unseen(table: pd.DataFrame, own: pd.DataFrame, profile: str) -> None:
    """Raise :class:`UserError` where a track has the same bytes or samples as one that models learn from.

    table: of the test set's tracks; own: of the profile's (:func:`sepmodels.dataset.tracks.describe_tracks`). profile:
    the profile's name.
    """
    learnt = own[own.split.isin(LEARNT_FROM)]
    same = [one for column in ("samples_hash", "source_hash") for one in _pairs(table, learnt, column)]
    found = {row.name_here: row for row in same}
    if found:
        names = [f"{row.name_here!r} is {row.name_there!r} ({row.split_there})" for row in found.values()]
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        raise UserError(
            f"{len(found)} of {len(table)} tracks are among those that the models of {profile} learn from: "
            f"{', '.join(names[:_MOST_NAMES])}{more}. Nothing can be said of other music by them: remove them from the "
            "test set's folder, or take the set out of the setting test_sets."
        )


def _pairs(table: pd.DataFrame, learnt: pd.DataFrame, column: str) -> Iterator[Any]:
    yield from table.merge(learnt, on=column, suffixes=("_here", "_there")).itertuples(index=False)


def recordings_in_both(table: pd.DataFrame, own: pd.DataFrame) -> list[str]:
    """For each track of the test set the profile's tracks that are the same recording, joined by commas.

    Near copies too (another loudness, a shift, MP3), by :func:`sepmodels.dataset.likeness.alike`.
    """
    prints: Sequence[bytes] = [*own.fingerprint, *table.fingerprint]
    first = len(own)
    found: list[list[str]] = [[] for _ in range(len(table))]
    for one, two, likeness in alike(prints):
        if one < first <= two:
            other = own.iloc[one]
            same = other.samples_hash == table.samples_hash.iloc[two - first]
            said = "the same samples" if same else f"alike, {likeness:.2f} of 1"
            found[two - first].append(f"{other['name']} ({other.split}; {said})")
    return [", ".join(names) for names in found]


def seen_before(copies: str) -> bool:
    """Whether the other recordings that a track is the same as are any that models learn from.

    >>> seen_before("A - B (train; alike, 0.91 of 1)"), seen_before("A - B (test; the same samples)")
    (True, False)
    """
    return any(f"({split};" in copies for split in LEARNT_FROM)
