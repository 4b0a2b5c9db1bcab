"""Claims judged by figures: each is supported, refuted or undecided, with the evidence."""

import math
from collections.abc import Collection, Iterable
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.special

from sepmodels.results.claims.claims import Claim
from sepmodels.results.claims.figures import Figure, figure_of
from sepmodels.results.claims.measures import MEASURES
from sepmodels.results.comparisons import ALPHA, holm
from sepmodels.results.per_track import TrackTable

Verdict = Literal["supported", "refuted", "undecided"]
VERDICTS: tuple[Verdict, ...] = ("supported", "refuted", "undecided")
COLUMNS = (
    *("claim", "sentence", "source", "first", "second", "measure", "direction", "margin", "least_seeds", "of"),
    *("verdict", "reason", "figure", "low", "high", "unit", "level", "p", "p_holm", "detectable"),
    *("first_seeds", "second_seeds", "tracks", "samples"),
)


def judge(claims: Iterable[Claim], scores: TrackTable, trainings: pd.DataFrame, fixed: Collection[str]) -> pd.DataFrame:
    """Judge every claim: a row for each, in the order of the list.

    A claim is supported if the interval of its figure lies wholly on the claimed side of the margin, refuted if it lies
    wholly on the other side, and undecided else. One training each decides nothing.

    All claims are one family: the chance that any verdict is wrong is 5 % at most (Holm 1979). The p of a claim is that
    of a true figure on its margin, and Holm's method corrects these over all claims that have one. We prefer it to
    equal intervals for all claims (Bonferroni's): it decides at least as many, and the comparisons of the table use it
    too. An interval is as wide as the method asks of its claim (95 %, or wider where more claims are open),
    so that interval and verdict never disagree.

    Args:
        scores, trainings, fixed: as for :func:`sepmodels.results.claims.figures.figure_of`.

    Columns:
        claim to of: the fields of :class:`sepmodels.results.claims.claims.Claim`.
        verdict; reason: why it is undecided, as a clause.
        figure, low, high, unit: the difference and its interval in dB or %; level: of the interval, 0.95 or more.
        p, p_holm: two-sided, that the figure lies on its margin.
        detectable: how far beyond its margin a figure has to lie to be found so in four of five cases, in that unit.
        first_seeds, second_seeds: trainings; 0 for a system that is not trained.
        tracks: 0 where no scores are compared; samples: of how many artists, where an artist is one sample.
    """
    claims = tuple(claims)
    figures = [figure_of(claim, scores, trainings, fixed) for claim in claims]
    p = pd.Series([_p(claim, figure) for claim, figure in zip(claims, figures, strict=True)], dtype=np.float64)
    corrected, alphas = holm(p), holm_alphas(p)
    rows = [
        _row(claim, figure, alpha) | {"p": one, "p_holm": together}
        for claim, figure, alpha, one, together in zip(claims, figures, alphas, p, corrected, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def holm_alphas(p: pd.Series) -> pd.Series:
    """The level at which Holm's method tests each p: those after the first that is too large stop with that one.

    >>> [round(alpha, 4) for alpha in holm_alphas(pd.Series([0.01, 0.04, 0.9]))]
    [0.0167, 0.025, 0.025]
    """
    ordered = p.dropna().sort_values()
    factors = np.arange(len(ordered), 0, -1)
    stops = np.flatnonzero(ordered.to_numpy() * factors >= ALPHA)
    if stops.size:
        factors[stops[0] :] = factors[stops[0]]
    return pd.Series(ALPHA / factors, ordered.index).reindex(p.index)


def edges(claim: Claim) -> tuple[float, ...]:
    """The values that part what the claim says from what it denies, in the unit in which it is tested."""
    margin = math.log1p(claim.margin) if MEASURES[claim.measure].kind == "ratio" else claim.margin
    if claim.direction == "equal":
        return -margin, margin
    return (-margin,) if claim.direction == "lower" and claim.second is not None else (margin,)


def _distance(claim: Claim, value: float) -> float:
    """How far a figure is from the nearest edge: positive on the claimed side."""
    distances = [value - edge for edge in edges(claim)]
    match claim.direction:
        case "higher":
            return distances[0]
        case "lower":
            return -distances[0]
        case _:
            return edges(claim)[1] - abs(value)


def _p(claim: Claim, figure: Figure) -> float:
    if figure.fault or figure.error is None:
        return np.nan
    errors = abs(_distance(claim, figure.value)) / figure.error.standard
    return float(min(1.0, 2 * scipy.special.stdtr(figure.error.degrees, -errors)))


def _row(claim: Claim, figure: Figure, alpha: float) -> dict[str, Any]:
    shown, unit = _scale(claim)
    judged = not figure.fault and figure.error is not None
    half = figure.error.least(alpha) * figure.error.standard if judged and figure.error else math.nan
    distance = _distance(claim, figure.value)
    verdict: Verdict = "undecided"
    if judged and abs(distance) > half:
        verdict = "supported" if distance > 0 else "refuted"
    detectable = figure.error.detectable_db(alpha) if judged and figure.error else math.nan
    return {
        "claim": claim.name,
        **{name: getattr(claim, name) for name in ("sentence", "source", "first", "second", "measure", "direction")},
        "margin": claim.margin,
        "least_seeds": claim.seeds,
        "of": claim.of,
        "verdict": verdict,
        "reason": "" if verdict != "undecided" else figure.fault or _not_clear(claim, shown(detectable), unit),
        "figure": shown(figure.value),
        "low": shown(figure.value - half),
        "high": shown(figure.value + half),
        "unit": unit,
        "level": 1 - alpha if judged else math.nan,
        "detectable": shown(detectable),
        **dict(zip(("first_seeds", "second_seeds"), (*figure.trainings, 0, 0), strict=False)),
        "tracks": figure.tracks,
        "samples": figure.samples,
    }


def _scale(claim: Claim) -> tuple[Any, str]:
    """From the unit in which a claim is tested to the one that is shown, and its name."""
    match MEASURES[claim.measure].kind:
        case "score":
            return float, "dB"
        case "ratio":
            return lambda value: 100 * math.expm1(min(value, 50.0)), "%"
        case _:
            return lambda value: 100 * value, "%"


def _not_clear(claim: Claim, detectable: float, unit: str) -> str:
    """Why a figure that was tested decides nothing."""
    if claim.direction == "equal":
        return "the interval reaches over the margin: more trainings would make it narrower"
    beyond = " beyond the margin" if claim.margin else ""
    shown = f"{detectable:.2g}" if detectable < 100 else f"{detectable:,.0f}"  # not 4.5e+02
    return f"a difference of {shown} {unit}{beyond} would have been found in four of five cases"
