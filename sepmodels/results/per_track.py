"""From scores per window to one number per track, as museval's stores aggregate them."""

import numpy as np
import pandas as pd

from sepmodels.audio import target_of
from sepmodels.results.artists import BY_DEFAULT, By, samples_of
from sepmodels.results.bootstrap import Float64
from sepmodels.scoring import METRICS, WHOLE_TRACK_METRICS

ALL_METRICS = (*METRICS, *WHOLE_TRACK_METRICS)
SHOWN_METRICS = ("SDR", "SIR", "SAR", "ISR")  # of the windows, in the order of the tables in papers
KEYS = ["variant", "seed", "track", "target", "metric"]


def track_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """The median over windows: columns variant, seed, track, target, metric, value, windows and nan_windows.

    Infinite values count as NaN, as in museval's stored files, and NaN is left out of the median. Whole-track
    metrics have their one value.
    """
    finite = scores.assign(value=scores.value.where(np.isfinite(scores.value)))
    groups = finite.groupby(KEYS, sort=False).value
    table = groups.agg(value="median", windows="size", known="count").reset_index()
    return table.assign(nan_windows=table.windows - table.known).drop(columns="known")


class TrackTable:
    """One number per track for every variant, target and metric.

    tracks: the names of all tracks that any variant has been scored on, sorted. samples: the sample of the statistics
    that each belongs to. target: of the targets that which was separated; the other is the rest.
    """

    def __init__(self, scores: pd.DataFrame, by: By = BY_DEFAULT) -> None:
        """by: what is a sample of the statistics: an artist, with all tracks, or a track."""
        self.table = track_scores(scores)
        self.by = by
        self.tracks = tuple(sorted(self.table.track.unique()))
        self.samples = samples_of(self.tracks, by)
        self.variants = tuple(self.table.variant.unique())
        self.targets = tuple(self.table.target.unique())
        self.target = target_of(self.targets)
        self._cells = {
            key: rows.pivot(index="track", columns="seed", values="value").reindex(list(self.tracks))
            for key, rows in self.table.groupby(["variant", "target", "metric"])
        }

    def values(self, variant: str, target: str, metric: str) -> Float64:
        """Scores (track, seed) in dB; NaN for tracks that the variant lacks, no columns where it has none at all."""
        cell = self._cells.get((variant, target, metric))
        return np.empty((len(self.tracks), 0)) if cell is None else cell.to_numpy(dtype=np.float64)

    def seeds(self, variant: str, target: str, metric: str) -> tuple[int, ...]:
        """The seeds of the columns of :meth:`values`."""
        cell = self._cells.get((variant, target, metric))
        return () if cell is None else tuple(int(seed) for seed in cell.columns)

    def by_seed(self) -> pd.DataFrame:
        """A row per variant, target and seed, with every metric's median over tracks, in dB; NaN for no score."""
        medians = self.table.groupby(["variant", "target", "seed", "metric"], sort=False).value.median()
        return medians.unstack("metric").reindex(columns=ALL_METRICS).rename_axis(columns=None).reset_index()

    def counts(self, variant: str, target: str) -> dict[str, int]:
        """Numbers of tracks, seeds, windows, NaN windows and of tracks by seeds that are missing."""
        rows = self.table[(self.table.variant == variant) & (self.table.target == target)]
        sdr = rows[rows.metric == "SDR"]
        seeds = int(rows.seed.nunique())
        present = len(rows[["seed", "track"]].drop_duplicates())
        return {
            "tracks": int(rows.track.nunique()),
            "seeds": seeds,
            "windows": int(sdr.windows.sum()),
            "nan_windows": int(sdr.nan_windows.sum()),
            "missing_tracks": seeds * len(self.tracks) - present,
        }
