"""The figure that a claim is judged by, with its standard error: from scores, or from figures of trainings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sepmodels.results.artists import counted
from sepmodels.results.bootstrap import Float64
from sepmodels.results.claims.claims import Claim
from sepmodels.results.claims.measures import MEASURES
from sepmodels.results.crossed import FEWEST_SAMPLES, Error, difference
from sepmodels.results.per_track import TrackTable


@dataclass(frozen=True)
class Figure:
    """What was found for a claim.

    value: the difference in dB, the logarithm of the ratio, or the share (or a difference of shares); NaN if there is
        none.
    error: its standard error over tracks and trainings, in the same unit; None if that is not known.
    trainings: how many there are of each system; 0 for one that is not trained. tracks: 0 where no scores are compared;
        samples: of how many artists they are, where these are the samples of the test; else as many.
    fault: why the figure can neither support nor refute anything, as a clause; empty where it can.
    """

    value: float = np.nan
    error: Error | None = None
    trainings: tuple[int, ...] = ()
    tracks: int = 0
    samples: int = 0
    fault: str = ""


def figure_of(claim: Claim, scores: TrackTable, trainings: pd.DataFrame, fixed: Collection[str]) -> Figure:
    """The claim's figure from the scores of tracks, or from the figures of trainings, as its measure asks.

    Args:
        scores: of all systems.
        trainings: of :func:`sepmodels.results.claims.training_measures.training_measures`.
        fixed: the systems that are not trained here: references and imported ones.
    """
    systems = [claim.first] if claim.second is None else [claim.first, claim.second]
    if claim.of == "vocals" and scores.target != "vocals":
        return Figure(fault=f"it is on the vocals, and here the {scores.target} are separated")
    if claim.of == "others" and scores.target == "vocals":
        return Figure(fault="it is on other targets than the vocals, as --set target=drums has them")
    if MEASURES[claim.measure].kind == "score":
        absent = [name for name in systems if not scores.values(name, scores.target, claim.measure).shape[1]]
        return _absent(absent, "scored") if absent else _from_scores(claim, scores, fixed)
    absent = [name for name in systems if not (trainings.variant == name).any()]
    return _absent(absent, "trained") if absent else _from_trainings(claim, trainings, systems)


def _absent(names: list[str], what: str) -> Figure:
    return Figure(fault=f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not {what} here")


def _from_scores(claim: Claim, scores: TrackTable, fixed: Collection[str]) -> Figure:
    assert claim.second is not None  # the list refuses scores of one system
    first, second = (scores.values(name, scores.target, claim.measure) for name in (claim.first, claim.second))
    still = claim.first in fixed, claim.second in fixed
    found = difference(first, second, samples=scores.samples, fixed=still)
    counts = tuple(0 if one else scored.shape[1] for one, scored in zip(still, (first, second), strict=True))
    fault = _too_few(claim, [count for count, one in zip(counts, still, strict=True) if not one])
    if not found.tracks:
        fault = "no track has a score of every training"
    elif not fault and found.samples < FEWEST_SAMPLES:
        fault = f"{counted(found.tracks, found.samples)}, and at least {FEWEST_SAMPLES} are needed"
    return _sound(Figure(found.mean, found.error, counts, found.tracks, found.samples, fault))


def _from_trainings(claim: Claim, trainings: pd.DataFrame, systems: list[str]) -> Figure:
    own = [trainings[trainings.variant == name] for name in systems]
    values = [rows[claim.measure].to_numpy(np.float64) for rows in own]
    counts = tuple(len(one) for one in values)
    if not all(np.isfinite(one).all() for one in values):
        return Figure(trainings=counts, fault=f"{claim.measure} was not kept for every training")
    if MEASURES[claim.measure].kind == "ratio":
        values = [np.log(one) for one in values]
    mean = float(values[0].mean() - sum(one.mean() for one in values[1:]))
    fault = _too_few(claim, counts)
    devices = sorted({device for rows in own for device in rows.device})
    if claim.measure.endswith(" time") and len(devices) > 1:
        fault = f"the trainings ran on different devices ({', '.join(devices)})"
    return _sound(Figure(mean, _welch(values) if min(counts) > 1 else None, counts, fault=fault))


def _welch(samples: list[Float64]) -> Error:
    """The standard error of a difference of means (or of one mean), with the degrees of freedom of Welch (1947)."""
    variances = [float(one.var(ddof=1)) / len(one) for one in samples]
    spread = sum(variance**2 / (len(one) - 1) for variance, one in zip(variances, samples, strict=True))
    return Error(sum(variances) ** 0.5, sum(variances) ** 2 / spread if spread else float("inf"))


def _sound(figure: Figure) -> Figure:
    """The figure; one without any spread is no sign of certainty, but of figures that are too coarse."""
    if figure.fault or figure.error is None or figure.error.standard > 0:
        return figure
    fault = "the figures do not differ at all, so that nothing is known of their spread"
    return replace(figure, error=None, fault=fault)


def _too_few(claim: Claim, counts: Sequence[int]) -> str:
    """What is lacking in trainings, as a clause; nothing where there are enough."""
    if not counts or min(counts) >= claim.seeds:
        return ""
    if len(set(counts)) == 1:
        said = f"{_count(counts[0], 'training')}{' each' * (len(counts) > 1)}"
    else:
        said = " and ".join(_count(count, "training") for count in counts)
    return f"{said}, and the claim asks for at least {claim.seeds}"


def _count(number: int, what: str) -> str:
    return f"{'one' if number == 1 else number} {what}{'s' * (number != 1)}"
