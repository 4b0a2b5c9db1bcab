"""The comparisons in words: one plain sentence per variant, and what the table as a whole can tell."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sepmodels.audio import target_of
from sepmodels.results.artists import counted
from sepmodels.results.crossed import FEWEST_SAMPLES

SIGNIFICANT = 0.05
LARGEST_SHOWN_DB = 50.0  # what is above says only that hardly anything is known
# How far the median SDR of a variant moves from seed to seed: docs/results-musdb18-7s.md.
KNOWN_SEED_SPREAD = "0.1 to 0.4 dB (on MUSDB18's seven-second clips)"
MEANINGS = {
    "SDR": ("comes closer to the true {0}", "stays further from the true {0}"),
    "SIR": ("separates more cleanly", "lets more of the accompaniment through"),
    "SAR": ("sounds more natural", "sounds less natural"),
}


def sentence(comparisons: pd.DataFrame, title: str, baseline_title: str, spread: str | None = KNOWN_SEED_SPREAD) -> str:
    """Say what one variant changed in the target against the baseline, from its rows of the comparisons.

    spread: how far another seed moves a model, in words, for variants of a single training; None for a system that has
        no trainings here, of which the sentence holds as it is.
    """
    target = target_of(comparisons.target)
    rows = comparisons[comparisons.target == target].set_index("metric")
    tracks = 0 if rows.empty else int(rows.tracks["SDR"])
    if tracks == 0:
        return f"{title}: no track is scored for both it and {baseline_title}, so nothing can be said."
    figures = ", ".join(f"{metric} {_figure(rows.loc[metric])}" for metric in MEANINGS)
    samples = int(rows.samples["SDR"])
    verdict = _verdict(rows, samples, baseline_title, spread).format(target)
    where = f"on the {target}, on average over {counted(tracks, samples)}"
    return f"{title} against {baseline_title} {where}: {figures}: {verdict}."


def unequal_terms(own: str, baseline: str, baseline_title: str) -> str:
    """What follows the sentence on a variant that is not on equal terms with the baseline; nothing where it is.

    own, baseline: in what each is not as it should be.

    >>> unequal_terms("training.steps 20 against 200", "", "Open-Unmix")
    ' But the two are not on equal terms: training.steps 20 against 200.'
    """
    said = [part for part in (own, f"{baseline_title} is {baseline}" if baseline else "") if part]
    return f" But the two are not on equal terms: {'; '.join(said)}." if said else ""


def _figure(row: pd.Series) -> str:
    """A difference in dB, with its interval and corrected p where there are any."""
    if np.isnan(row.difference):
        return "not known"
    if np.isnan(row.p_holm):
        return f"{row.difference:+.2f} dB"
    p = "p < 0.001" if row.p_holm < 0.001 else f"p = {row.p_holm:.2g}"
    return f"{row.difference:+.2f} dB ({margin(row.low, row.high)}{p})"


def margin(low: float, high: float) -> str:
    """An interval before what follows it; nothing where it is too wide to say anything.

    >>> margin(-0.123, 0.5), margin(-2e4, 2e4)
    ('-0.12 to +0.50, ', '')
    """
    return f"{low:+.2f} to {high:+.2f}, " if high - low < 2 * LARGEST_SHOWN_DB else ""


def _verdict(rows: pd.DataFrame, samples: int, baseline_title: str, spread: str | None) -> str:
    """What the differences mean to a listener, where they hold for other tracks and other trainings."""
    if not np.isnan(rows.p["SDR"]):
        return _tested(rows) + ("" if spread else "; this holds for the system as it is, on other tracks")
    if spread is None and samples >= FEWEST_SAMPLES:
        return f"another training of {baseline_title} may come out otherwise, so nothing is claimed"
    if spread is not None and min(rows.seeds["SDR"], rows.baseline_seeds["SDR"]) < 2:
        return (
            f"these two models differ by so much; another seed moves a model by {spread}, so nothing is claimed "
            "about the change"
        )
    what = "tracks" if samples == rows.tracks["SDR"] else "artists"
    return f"too few {what} for a test (at least {FEWEST_SAMPLES} are needed)"


def _tested(rows: pd.DataFrame) -> str:
    """The differences that were found, in words."""
    clear = [metric for metric in MEANINGS if rows.p_holm[metric] < SIGNIFICANT]
    if clear:
        return ", ".join(MEANINGS[metric][0 if rows.difference[metric] > 0 else 1] for metric in clear)
    found = rows.detectable["SDR"]
    limit = f" (an SDR of {found:.2g} dB more or less would be found in four of five cases)"
    return f"no difference was found{limit if found < LARGEST_SHOWN_DB else ''}"


def seed_spread(by_seed: pd.DataFrame) -> str | None:
    """How far apart the seeds of a variant end, in the target's SDR, in words; None where no variant has several."""
    scores = by_seed[by_seed.target == target_of(by_seed.target)].groupby("variant").SDR
    spans = (scores.max() - scores.min())[scores.count() > 1]
    if spans.empty:
        return None
    low, high = spans.min(), spans.max()
    return f"{high:.2g} dB" if f"{low:.2g}" == f"{high:.2g}" else f"{low:.2g} to {high:.2g} dB"


def notes(comparisons: pd.DataFrame, control: pd.DataFrame, baseline_title: str) -> Iterator[str]:
    """What the table as a whole can tell: how small a difference it finds, and whether its control holds."""
    comparisons = comparisons[comparisons.trained.astype(bool)]
    if len(comparisons) and comparisons.p.isna().all() and (comparisons.samples >= FEWEST_SAMPLES).any():
        yield "To test the changes train three or more seeds of each variant: --set seeds=42,43,44."
    target = target_of(comparisons.target)
    tested = comparisons[(comparisons.target == target) & (comparisons.metric == "SDR")].dropna(subset="detectable")
    if len(tested):
        low, high = tested.detectable.min(), tested.detectable.max()
        span = f"{low:.2g}" if f"{low:.2g}" == f"{high:.2g}" else f"{low:.2g} to {high:.2g}"
        if high < LARGEST_SHOWN_DB:
            yield (
                f"With these tracks and seeds the table finds a true difference of {span} dB in the {_whose(target)} "
                "SDR in four of five cases; smaller ones it may miss."
            )
        else:
            yield "With two seeds of a variant the table finds hardly any difference: train three or more of each."
    yield from _control_note(control, baseline_title)


def _whose(target: str) -> str:
    """The target's name before what it has.

    >>> _whose("vocals"), _whose("other")
    ("vocals'", "other's")
    """
    return f"{target}'" if target.endswith("s") else f"{target}'s"


def _control_note(control: pd.DataFrame, baseline_title: str) -> Iterator[str]:
    own = control[control.target == target_of(control.target)]
    rows = own[own.metric.isin(list(MEANINGS))].dropna(subset="p_holm")
    if rows.empty:
        return
    halves = f"Control: {baseline_title} against itself (seeds {rows['first'].iloc[0]} and {rows['second'].iloc[0]})"
    apart = rows[rows.p_holm < SIGNIFICANT]
    if apart.empty:
        sdr = rows.set_index("metric").loc["SDR"]
        yield f"{halves} shows no difference (SDR {_figure(sdr)}), as it should."
    else:
        yield (
            f"{halves} shows a difference in {', '.join(apart.metric)}, where there is none: do not trust this table's "
            "verdicts, and add seeds."
        )
