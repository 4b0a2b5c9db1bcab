"""Tracks whose files have a lower rate than 44.1 kHz: at which rate they are scored, and how that is said."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from sepmodels.audio import SAMPLE_RATE_HZ


def scored_rates_hz(tracks: Path) -> dict[str, int]:
    """By track the rate of its files, the lowest where they differ, and at most 44.1 kHz: from the table of tracks."""
    table = pd.read_parquet(tracks, columns=["name", "source_sample_rate_hz"])
    rates_hz = table.source_sample_rate_hz.clip(upper=SAMPLE_RATE_HZ)
    return {str(name): int(rate_hz) for name, rate_hz in zip(table["name"], rates_hz, strict=True)}


def rates_sentence(rates_hz: Iterable[int], scoring_rate: str) -> str:
    """At which rate tracks are scored; empty where the files of all have 44.1 kHz or more.

    rates_hz: of each track's files. scoring_rate: the setting of that name.

    >>> rates_sentence([16_000, 16_000], "files")
    "The tracks are scored at their files' rate, 16,000 Hz: what is above 8,000 Hz does not count."
    """
    counts = Counter(min(rate_hz, SAMPLE_RATE_HZ) for rate_hz in rates_hz)
    if set(counts) <= {SAMPLE_RATE_HZ}:
        return ""
    listed = ", ".join(f"{count} at {rate_hz:,} Hz" for rate_hz, count in sorted(counts.items()))
    if scoring_rate == "full":
        return (
            f"Tracks with files below {SAMPLE_RATE_HZ:,} Hz ({listed}) are scored at {SAMPLE_RATE_HZ:,} Hz like all "
            "others, so what a system adds above their band counts against it; --set scoring_rate=files scores each "
            "at its own rate."
        )
    if len(counts) == 1:
        (rate_hz,) = counts
        return (
            f"The tracks are scored at their files' rate, {rate_hz:,} Hz: what is above {rate_hz // 2:,} Hz does not "
            "count."
        )
    return (
        f"The tracks have different rates: {listed}. Each is scored at its own, where nothing above half of it counts, "
        "so scores of these tracks are of different bands."
    )
