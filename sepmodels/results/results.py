"""What a benchmark came to: one table over all systems, and what it says."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Results:
    """What was measured, summed up.

    summary: a row per system and target, floors first and ceilings after the trained ones (columns ``kind``
        and ``place``: of :class:`~sepmodels.systems.system.System`; ``remark``: why a row stands apart). For each
        metric M the columns M (median over windows, mean over seeds, median over tracks),
        M_low and M_high (its 95 % bootstrap interval) and M_mean (mean over tracks of the medians over windows),
        in dB; ``unequal``, in what it is not on equal terms with the baseline, empty where it is; numbers of
        tracks, seeds, windows, nan_windows and missing_tracks; the figures given per variant;
        and ``scenario``, the same in every row, so that no copy of the table is without it.
    comparisons: each trained variant against the baseline (:func:`sepmodels.results.comparisons.compare`).
    control: the baseline against itself (:func:`sepmodels.results.comparisons.control`).
    by_seed: a row per trained system, target and seed, with every metric's median over windows then over tracks, in dB:
        how far apart trainings of the same variant end.
    sentences: per trained variant other than the baseline, what its change did to the target.
    notes: sentences on what the table as a whole can tell: the smallest difference that it finds, its control,
        how its trainings differ in what no recipe says, what of imported systems is left out. shared_notes: those of
        them that say the same whatever the baseline is.
    published: what others have published on this dataset (:func:`sepmodels.results.published.published_systems`).
    missing: names of systems that were expected and are not there.
    scenario: what the numbers are, to be shown with them.
    baseline_title: what the baseline is called in tables.
    figures: the columns of ``summary`` that hold the figures given per variant.
    """

    summary: pd.DataFrame
    comparisons: pd.DataFrame
    control: pd.DataFrame
    by_seed: pd.DataFrame
    sentences: dict[str, str]
    notes: tuple[str, ...]
    shared_notes: tuple[str, ...]
    published: pd.DataFrame
    missing: tuple[str, ...]
    scenario: str
    baseline_title: str
    figures: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every expected system has been scored on every track."""
        return not self.missing and not self.incomplete.missing_tracks.any()

    @property
    def incomplete(self) -> pd.DataFrame:
        """The rows of ``summary`` that lack tracks and should not; one that stands apart says so itself."""
        table = self.summary
        return table[(table.missing_tracks > 0) & ~table.place.isin(["apart", "elsewhere"])]
