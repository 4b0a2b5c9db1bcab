"""Which change helped: each variant against the baseline, and the baseline against itself."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from sepmodels.results.bootstrap import LEVEL, Float64, Indices
from sepmodels.results.crossed import by_sample, components, difference, scored_by_all
from sepmodels.results.per_track import ALL_METRICS, TrackTable

TIE_DB = 0.005
ALPHA = 1 - LEVEL
COLUMNS = (
    *("difference", "low", "high", "p", "wins", "ties", "losses", "tracks", "samples", "seeds", "baseline_seeds"),
    *("track_sd", "seed_sd", "baseline_seed_sd", "rest_sd", "baseline_rest_sd", "trained"),
)
FEWEST_OF_A_CONTROL = 4  # seeds, so that each half has two


def compare(
    table: TrackTable,
    variants: Sequence[str],
    baseline: str,
    metrics: Sequence[str] = ALL_METRICS,
    fixed: Collection[str] = (),
) -> pd.DataFrame:
    """Compare every variant with the baseline: a row per variant, target and metric.

    fixed: the systems that are not trained here. What is found of one holds for other tracks, of the system as it is.

    Columns:
        difference, low, high, p: of :func:`sepmodels.results.crossed.difference`, in dB, positive where the variant
            scores higher. They hold for other tracks and other seeds; low, high and p are NaN where there is one
            training.
        p_holm: p corrected by Holm's step-down method over the variants, for each target and metric by itself. The
            systems that are not trained here are a family of their own: they ask another question.
        detectable: the smallest difference that the table would find in four of five cases, tested as Holm's first
            step tests, in dB; NaN where there is no p.
        wins, ties, losses, tracks: tracks on which the mean over seeds is higher, within 0.005 dB, or lower.
        samples: of how many artists these tracks are, where an artist is one sample of the test; else as many.
        seeds, baseline_seeds: how many trainings there are of each.
        track_sd, seed_sd, baseline_seed_sd, rest_sd, baseline_rest_sd: the square roots of
            :class:`sepmodels.results.crossed.Components`, in dB. Of single trainings only the first is known, rest
            included.
        trained: whether the variant is trained here.
    """
    tests = {one: sum((name in fixed) == one for name in variants) for one in (True, False)}
    rows = [
        {"variant": variant, "target": target, "metric": metric, "trained": variant not in fixed}
        | _compared(
            table.values(variant, target, metric),
            table.values(baseline, target, metric),
            table.samples,
            tests=tests[variant in fixed],
            fixed=(variant in fixed, baseline in fixed),
        )
        for variant in variants
        for target in table.targets
        for metric in metrics
    ]
    return _corrected(rows, ["variant", "target", "metric"], ["target", "metric", "trained"])


def control(table: TrackTable, baseline: str) -> pd.DataFrame:
    """The baseline against itself: the first half of its seeds against the others, a row per target and metric.

    Both halves are trainings of the same recipe, so no difference should come out. Columns as :func:`compare` has them,
    with ``first`` and ``second`` (the halves' seeds, as text) in place of the variant; p_holm is corrected over the
    metrics. No rows with fewer than four seeds.
    """
    rows = []
    for target in table.targets:
        for metric in ALL_METRICS:
            seeds = table.seeds(baseline, target, metric)
            if len(seeds) < FEWEST_OF_A_CONTROL:
                continue
            values, half = table.values(baseline, target, metric), len(seeds) // 2
            names = {"first": _listed(seeds[:half]), "second": _listed(seeds[half:]), "trained": True}
            rows.append(
                {**names, "target": target, "metric": metric}
                | _compared(values[:, :half], values[:, half:], table.samples, tests=1)
            )
    return _corrected(rows, ["first", "second", "target", "metric"], ["target"])


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))


def _corrected(rows: list[dict[str, object]], keys: list[str], family: list[str]) -> pd.DataFrame:
    """The rows as a table, with p corrected over each family."""
    table = pd.DataFrame(rows, columns=[*keys, *COLUMNS, "detectable"])
    table["p_holm"] = table.groupby(family).p.transform(holm)
    return table


def _compared(
    first: Float64, second: Float64, samples: Indices, *, tests: int, fixed: tuple[bool, bool] = (False, False)
) -> dict[str, float]:
    """One row's figures from two arrays (track, seed), as one of so many tests. fixed: which is not trained here."""
    found = difference(first, second, samples=samples, fixed=fixed)
    ours, theirs, kept = scored_by_all(first, second, samples)
    differences = ours.mean(axis=1) - theirs.mean(axis=1) if len(ours) else np.empty(0)
    return {
        "difference": found.mean,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "wins": int((differences > TIE_DB).sum()),
        "ties": int((np.abs(differences) <= TIE_DB).sum()),
        "losses": int((differences < -TIE_DB).sum()),
        "tracks": found.tracks,
        "samples": found.samples,
        "seeds": first.shape[1],
        "baseline_seeds": second.shape[1],
        **_spreads(by_sample(ours, kept), by_sample(theirs, kept)),
        "detectable": np.nan if found.error is None else found.error.detectable_db(ALPHA / max(1, tests)),
    }


def _spreads(first: Float64, second: Float64) -> dict[str, float]:
    """The standard deviations behind the scores (sample, seed) of two recipes; none for fewer than two samples."""
    if len(first) < 2:
        return {}
    known = components(first, second)
    names = ("track_sd", "seed_sd", "baseline_seed_sd", "rest_sd", "baseline_rest_sd")
    return dict(zip(names, np.sqrt([known.track, *known.training, *known.rest]), strict=True))


def holm(p: pd.Series) -> pd.Series:
    """Holm's step-down correction (Holm 1979) of a family of p-values; NaN stays and does not count.

    >>> holm(pd.Series([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    ordered = p.dropna().sort_values()
    factors = np.arange(len(ordered), 0, -1)
    return (ordered * factors).clip(upper=1).cummax().reindex(p.index)
