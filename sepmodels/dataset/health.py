"""The health of a dataset: which tracks have a known fault, and what the benchmark does about each.

None of it stops the benchmark, for these faults are in the data that published figures were measured on: what a
rule here names is kept, handled as it says, and shown. What cannot be used at all is an error of
:func:`sepmodels.dataset.tracks.describe_tracks`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sepmodels.audio import SAMPLE_RATE_HZ

# MUSDB18's lossy streams sum to their mixture within 20-35 dB; below this the mixture is another one.
LEAST_DEVIATION_DB = 15.0
MOST_CLIPPED_SHARE = 1e-4
COLUMNS = ("track", "split", "fault", "finding", "handling")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """A known fault of music data.

    fault: its name, as in "2 mono".
    finding: says what a track's row of the table of tracks shows, in a sentence; empty where there is no fault.
    handling: what the benchmark does about it.
    """

    fault: str
    finding: Callable[[Row, float], str]
    handling: str


RULES = (
    Rule(
        "with a mixture that is not its stems' sum",
        lambda row, _: (
            f"The mixture is not the sum of the stems ({row['mixture_deviation_db']:.1f} dB)."
            if row["mixture_deviation_db"] < LEAST_DEVIATION_DB
            else ""
        ),
        "Kept. Training mixes the stems itself; validation and scores take the mixture as it is.",
    ),
    Rule(
        "with a silent stem",
        lambda row, _: f"Silent all through: {row['silent_stems']}." if row["silent_stems"] else "",
        "Kept. Windows without vocals or without accompaniment are not scored, as in museval.",
    ),
    Rule(
        "mono",
        lambda row, _: f"Mono, made stereo: {row['mono_stems']}." if row["mono_stems"] else "",
        "The one channel fills both.",
    ),
    Rule(
        "resampled",
        lambda row, _: (
            f"Resampled from {row['source_sample_rate_hz']} Hz."
            if row["source_sample_rate_hz"] != SAMPLE_RATE_HZ
            else ""
        ),
        f"Resampled to {SAMPLE_RATE_HZ} Hz by ffmpeg.",
    ),
    Rule(
        "with stems of other lengths",
        lambda row, _: f"Not as long as the song: {row['fitted_stems']}." if row["fitted_stems"] else "",
        "Filled up with silence at the end, or cut, to the mixture's length (without one, to the longest stem's).",
    ),
    Rule(
        "that cannot be scored",
        lambda row, _: (
            "No second has both vocals and accompaniment."
            if row["split"] == "test" and not row["scorable_windows"]
            else ""
        ),
        "Left out of the test split: there is no score of it.",
    ),
    Rule(
        "there more than once",
        lambda row, _: f"The same recording as {row['copies']}." if row["copies"] else "",
        "Kept. The same samples in two splits are an error; remove what is only alike, too, if it is in two.",
    ),
    Rule(
        "with several files of the voice",
        lambda row, _: f"Several files of the voice: {row['voices']}." if row["voices"] else "",
        "By their names; --set dataset.vocals=NAMES says otherwise.",
    ),
    Rule(
        "with files left out",
        lambda row, _: f"Left out by name: {row['left_out']}." if row["left_out"] else "",
        "Copies, and what dataset.left_out names, do not count; rename what does.",
    ),
    Rule(
        "with stems that begin late",
        lambda row, _: f"Begins later in its file than the others: {row['late_stems']}." if row["late_stems"] else "",
        "Kept in its place: there is silence before it.",
    ),
    Rule(
        "with stems beyond full scale",
        lambda row, _: f"Louder than full scale: {row['loud_stems']}." if row["loud_stems"] else "",
        "Cut down to full scale, each by itself.",
    ),
    Rule(
        "clipping",
        lambda row, _: (
            f"The mixture clips ({100 * row['clipped_share']:.2f} % of its samples)."
            if row["clipped_share"] > MOST_CLIPPED_SHARE
            else ""
        ),
        "Kept as it is.",
    ),
    Rule(
        "turned down",
        lambda row, _: (
            f"All stems were turned down to {row['gain']:.3f}: their sum would have clipped."
            if row["gain"] != 1
            else ""
        ),
        "All stems are turned down together, and still sum to the mixture.",
    ),
    Rule(
        "shorter than a chunk",
        lambda row, chunk_seconds: (
            f"Shorter than a chunk of {chunk_seconds:g} s: filled up with silence in training."
            if row["split"] == "train" and row["duration_seconds"] < chunk_seconds
            else ""
        ),
        "Chunks of it are filled up with silence.",
    ),
)


def health_table(tracks: pd.DataFrame, *, chunk_seconds: float = 0.0) -> pd.DataFrame:
    """A row for every fault of every track: ``track``, ``split``, ``fault``, ``finding``, ``handling``.

    tracks: of :func:`sepmodels.dataset.tracks.describe_tracks`.
    chunk_seconds: of training; training tracks shorter than this are told.
    """
    rows = [
        (row["name"], row["split"], rule.fault, found, rule.handling)
        for row in tracks.to_dict("records")
        for rule in RULES
        if (found := rule.finding(row, chunk_seconds))
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype("str")


def health_summary(health: pd.DataFrame, tracks: int) -> str:
    """One sentence: how many tracks have which faults.

    >>> health_summary(pd.DataFrame({"track": ["a", "b"], "fault": ["mono", "mono"]}), 9)
    '2 of 9 tracks have a known fault: 2 mono.'
    >>> health_summary(pd.DataFrame({"track": [], "fault": []}), 9)
    'None of the 9 tracks has a known fault.'
    """
    if health.empty:
        return f"None of the {tracks} tracks has a known fault."
    counts = ", ".join(f"{count} {fault}" for fault, count in health.fault.value_counts(sort=False).items())
    faulty = health.track.nunique()
    return f"{faulty} of {tracks} tracks {'has' if faulty == 1 else 'have'} a known fault: {counts}."
