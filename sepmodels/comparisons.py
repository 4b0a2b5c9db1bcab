"""Which change helped: each variant against the baseline, track by track."""

import numpy as np
import pandas as pd
import scipy.stats

from sepmodels.aggregation import ALL_METRICS, TrackTable
from sepmodels.intervals import Float64, median_interval, per_track

# With five tracks or fewer the smallest p that Wilcoxon's two-sided test can give is above 0.05.
FEWEST_TRACKS = 6
TIE_DB = 0.005


def compare(table: TrackTable, variants: list[str], baseline: str) -> pd.DataFrame:
    """Compare every variant with the baseline: a row per variant, target and metric.

    Columns: difference, low and high (the median over tracks of the paired difference in dB, positive where
    the variant scores higher, and its 95 % bootstrap interval), wins, ties and losses (tracks; a tie is within
    0.005 dB), tracks, p (Wilcoxon's signed-rank test, two-sided) and p_holm (corrected by Holm's step-down
    method over the variants, for each target and metric by itself). p is NaN with fewer than six tracks.
    """
    rows = [
        {"variant": variant, "target": target, "metric": metric}
        | _paired(table.values(variant, target, metric), table.values(baseline, target, metric))
        for variant in variants
        for target in table.targets
        for metric in ALL_METRICS
    ]
    comparisons = pd.DataFrame(rows, columns=["variant", "target", "metric", *COLUMNS])
    comparisons["p_holm"] = comparisons.groupby(["target", "metric"]).p.transform(holm)
    return comparisons


COLUMNS = ("difference", "low", "high", "wins", "ties", "losses", "tracks", "p")


def _paired(variant: Float64, baseline: Float64) -> dict[str, float]:
    """One row's figures from two arrays (track, seed)."""
    differences = per_track(variant) - per_track(baseline)
    differences = differences[np.isfinite(differences)]
    low, high = median_interval([variant, baseline])
    return {
        "difference": float(np.median(differences)) if differences.size else np.nan,
        "low": low,
        "high": high,
        "wins": int((differences > TIE_DB).sum()),
        "ties": int((np.abs(differences) <= TIE_DB).sum()),
        "losses": int((differences < -TIE_DB).sum()),
        "tracks": differences.size,
        "p": wilcoxon(differences),
    }


def wilcoxon(differences: Float64) -> float:
    """Wilcoxon's two-sided signed-rank p; NaN for fewer than FEWEST_TRACKS, 1 where nothing differs.

    Exact for up to 50 tracks of which no two differ by the same; else by its normal approximation (scipy's own
    choice would try all permutations of a few tied tracks, which takes a second).
    """
    if differences.size < FEWEST_TRACKS:
        return np.nan
    sizes = np.abs(differences[differences != 0])
    if not sizes.size:
        return 1.0
    exact = sizes.size == differences.size == np.unique(sizes).size <= 50
    return float(scipy.stats.wilcoxon(differences, method="exact" if exact else "asymptotic").pvalue)


def holm(p: pd.Series) -> pd.Series:
    """Holm's step-down correction (Holm 1979) of a family of p-values; NaN stays and does not count.

    >>> holm(pd.Series([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    ordered = p.dropna().sort_values()
    factors = np.arange(len(ordered), 0, -1)
    return (ordered * factors).clip(upper=1).cummax().reindex(p.index)
