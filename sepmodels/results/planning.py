"""How many trainings and tracks it takes to find a difference of a given size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from sepmodels.audio import target_of
from sepmodels.errors import UserError
from sepmodels.results.bootstrap import LEVEL
from sepmodels.results.crossed import FEWEST_SAMPLES, Components

Row: TypeAlias = dict[str, Any]
MOST_SEEDS = 100
ASSUMED_SEED_SD_DB = 0.2  # of the median SDR between seeds, in the middle of what docs/results-musdb18-7s.md shows
DEFAULT_POWER = 0.8


@dataclass(frozen=True)
class Need:
    """What one comparison needs.

    tracks: each of another artist (:mod:`sepmodels.results.artists`).
    seeds: of each of the two recipes, for the difference asked for; None where even MOST_SEEDS of them do not find it.
    detectable_db: with the seeds that there are now, the smallest difference found; NaN for one training each.
    assumed: whether the spread between seeds is an assumption, since there is one training of either.
    """

    variant: str
    tracks: int
    seeds: int | None
    have: int
    detectable_db: float
    assumed: bool


def needs(
    comparisons: pd.DataFrame,
    difference_db: float,
    *,
    target: str | None = None,
    metric: str = "SDR",
    power: float = DEFAULT_POWER,
    tracks: Sequence[int] = (),
) -> list[Need]:
    """What every comparison of the table needs to find a true difference with this probability.

    It is tested as Holm's first step tests, with as many variants as the table has.

    Args:
        comparisons: of :class:`sepmodels.results.results.Results`.
        target: what was separated, if not given.
        tracks: other numbers of test tracks to answer for, each of another artist, beside the artists that there are.

    Raises:
        UserError: a difference that is no number above 0, a power outside 0.05 to 0.999, a target or metric that the
            table does not have, or too few tracks to know how far they differ.
    """
    if not (np.isfinite(difference_db) and difference_db > 0):
        raise UserError(f"A difference of {difference_db:g} dB cannot be planned for: give a number above 0.")
    if not 0.05 <= power <= 0.999:
        raise UserError(f"A power of {power:g} cannot be planned for: give a share from 0.05 to 0.999, such as 0.8.")
    target = target or target_of(comparisons.target)
    rows = comparisons[(comparisons.target == target) & (comparisons.metric == metric)]
    rows = rows[rows.track_sd.notna() & rows.trained]
    if rows.empty:
        raise UserError(
            f"The table compares no variant by the {metric} of the {target} on two or more tracks: "
            "run the benchmark with the baseline and another variant first."
        )
    alpha = (1 - LEVEL) / len(rows)
    return [need for row in rows.to_dict("records") for need in _needs_of(row, difference_db, alpha, power, tracks)]


def _needs_of(row: Row, difference_db: float, alpha: float, power: float, tracks: Sequence[int]) -> Iterator[Need]:
    known, assumed = _components(row)
    have = min(known.trainings)
    for number in dict.fromkeys([known.tracks, *tracks]):
        if number < FEWEST_SAMPLES:
            continue
        now = known.error(number, known.trainings).detectable_db(alpha, power) if have > 1 else np.nan
        enough = (n for n in range(2, MOST_SEEDS + 1) if _finds(known, number, n, difference_db, alpha, power))
        seeds = next(enough, None)
        yield Need(row["variant"], number, seeds, have, float(now), assumed)


def _finds(known: Components, tracks: int, seeds: int, difference_db: float, alpha: float, power: float) -> bool:
    return known.error(tracks, (seeds, seeds)).power(difference_db, alpha) >= power


def _components(row: Row) -> tuple[Components, bool]:
    """The variance components of a comparison; where seeds are not known apart, those that the project has seen."""
    seed = [row["seed_sd"], row["baseline_seed_sd"]]
    rest = [row["rest_sd"], row["baseline_rest_sd"]]
    assumed = bool(np.isnan(seed).any())
    training = [ASSUMED_SEED_SD_DB**2 if np.isnan(one) else one**2 for one in seed]
    left = [0.0 if np.isnan(one) else one**2 for one in rest]  # what is not known apart is in the tracks'
    trainings = int(row["seeds"]), int(row["baseline_seeds"])
    known = Components(
        row["track_sd"] ** 2, (training[0], training[1]), (left[0], left[1]), int(row["samples"]), trainings
    )
    return known, assumed
