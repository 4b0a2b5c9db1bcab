"""The comparisons in words: one plain sentence per variant."""

import numpy as np
import pandas as pd

from sepmodels.comparisons import FEWEST_TRACKS

SIGNIFICANT = 0.05
MEANINGS = {
    "SDR": ("comes closer to the true vocals", "stays further from the true vocals"),
    "SIR": ("separates more cleanly", "lets more of the accompaniment through"),
    "SAR": ("sounds more natural", "sounds less natural"),
}


def sentence(comparisons: pd.DataFrame, title: str, baseline_title: str) -> str:
    """Say what one variant changed in the vocals against the baseline, from its rows of the comparisons."""
    rows = comparisons[comparisons.target == "vocals"].set_index("metric")
    tracks = 0 if rows.empty else int(rows.tracks["SDR"])
    if tracks == 0:
        return f"{title}: no track is scored for both it and {baseline_title}, so nothing can be said."
    figures = ", ".join(f"{metric} {_figure(rows.loc[metric])}" for metric in MEANINGS)
    count = f"{tracks} track{'s' * (tracks > 1)}"
    return f"{title} against {baseline_title} on the vocals of {count}: {figures}: {_verdict(rows, tracks)}."


def _figure(row: pd.Series) -> str:
    """A difference in dB, with its corrected p where there is one."""
    if np.isnan(row.difference):
        return "not known"
    p = "" if np.isnan(row.p_holm) else " (p < 0.001)" if row.p_holm < 0.001 else f" (p = {row.p_holm:.2g})"
    return f"{row.difference:+.2f} dB{p}"


def _is_clear(row: pd.Series) -> bool:
    """Whether both tests see a difference: Wilcoxon's knows of tracks alone, the interval of seeds, too."""
    return bool(row.p_holm < SIGNIFICANT and row.low * row.high > 0)


def _verdict(rows: pd.DataFrame, tracks: int) -> str:
    """What the clear differences mean to a listener."""
    if tracks < FEWEST_TRACKS:
        return f"too few tracks for a test (at least {FEWEST_TRACKS} are needed)"
    clear = [metric for metric in MEANINGS if _is_clear(rows.loc[metric])]
    if not clear:
        return "no difference is shown"
    return ", ".join(MEANINGS[metric][0 if rows.difference[metric] > 0 else 1] for metric in clear)
