"""Scores of systems that were scored elsewhere, beside ours: what of them can be compared."""

from collections.abc import Collection, Iterator

import pandas as pd

from sepmodels.errors import UserError


def comparable(scores: pd.DataFrame, imported: Collection[str]) -> pd.DataFrame:
    """The table of scores without the tracks and targets that only imported systems have; all of it without ours.

    A system of four stems is scored for drums and bass as well, and perhaps on more tracks: neither makes a gap in
    our own rows.

    Raises UserError for an imported system that has none of our tracks.
    """
    ours = scores[~scores.variant.isin(imported)]
    if ours.empty:
        return scores
    tracks = set(ours.track)
    for name in imported:
        theirs = set(scores.track[scores.variant == name])
        if theirs and not theirs & tracks:
            raise UserError(
                f"The imported system {name} has none of the {len(tracks)} test tracks, only {_some(theirs)}: name "
                f"each of its museval files as its track is named ({_some(tracks)})."
            )
    return scores[scores.track.isin(tracks) & scores.target.isin(set(ours.target))]


def left_out(scores: pd.DataFrame, imported: Collection[str]) -> Iterator[str]:
    """A sentence for each imported system that has tracks which ours do not have."""
    tracks = set(scores.track[~scores.variant.isin(imported)])
    for name in imported if tracks else ():
        more = set(scores.track[scores.variant == name]) - tracks
        if more:
            count = "1 track is" if len(more) == 1 else f"{len(more)} tracks are"
            yield f"Of {name}, scored elsewhere, {count} left out: not among the test tracks here ({_some(more)})."


def _some(names: Collection[str], most: int = 3) -> str:
    more = len(names) - most
    return ", ".join(sorted(names)[:most]) + (f" and {more} more" if more > 0 else "")
