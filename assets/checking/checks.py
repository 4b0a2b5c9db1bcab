"""Asset checks: what must hold of each product, looked at in the same step, right after it was made.

A check can also be run alone, from its asset's page.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from assets.checking import verdicts
from assets.checking.rechecking import rechecked
from assets.checking.verdicts import Product, Verdict
from assets.staleness.code.version import code_version
from assets.step import Step


@dataclass(frozen=True)
class ProductCheck:
    """A check of one product; ``warning`` where the benchmark goes on all the same."""

    look: Callable[[Product], Verdict]
    description: str
    warning: bool = False

    @property
    def name(self) -> str:
        return self.look.__name__

    def spec(self, asset: dg.AssetKey) -> dg.AssetCheckSpec:
        """What Dagster knows of the check before it is run."""
        return dg.AssetCheckSpec(self.name, asset=asset, description=self.description)


_SUMS = ProductCheck(verdicts.stems_sum_to_the_mixture, "Each mixture is the sum of its stems.", warning=True)


def checks_of(step: Step) -> list[ProductCheck]:
    """The checks of the step's product."""
    match step.part:
        case ("tracks",) if step.test_set:
            unseen = "No track is the same recording as one that models learn from."
            return [ProductCheck(verdicts.no_track_was_learnt_from, unseen), _SUMS]
        case ("tracks",):
            return [
                ProductCheck(verdicts.splits_are_disjoint_and_complete, "Every track is in one split; none is empty."),
                _SUMS,
            ]
        case (_, "checkpoint"):
            return [ProductCheck(verdicts.losses_and_weights_are_finite, "No loss and no weight is NaN or infinite.")]
        case (_, "estimates"):
            words = "Every test track has an estimate of the mixture's length."
            return [ProductCheck(verdicts.estimates_are_as_long_as_the_mixture, words)]
        case (_, "scores") if step.system is None or step.system.scored_here:
            nan = "A score is NaN only in windows that are silent, where museval gives NaN too."
            same = "The shortest test track, scored again by museval itself, has the same scores."
            return [
                ProductCheck(verdicts.scores_are_nan_only_where_silent, nan),
                ProductCheck(verdicts.one_track_scores_as_by_museval, same),
            ]
        case ("results",):
            equal = "All rows had the same budget, data, precision, machine and libraries, and none is stale."
            return [
                ProductCheck(verdicts.table_is_complete, "The table has a row for every variant and reference."),
                ProductCheck(verdicts.rows_are_on_equal_terms, equal, warning=True),
            ]
    return []


def checked(
    check: ProductCheck, asset: dg.AssetKey, step: Step, product: Product, context: dg.AssetExecutionContext
) -> dg.AssetCheckResult:
    """What the check finds of the step's product; in a refresh, only if that or the check has changed."""
    key = dg.AssetCheckKey(asset, check.name)
    return rechecked(key, _code(check.look, step.libraries), context, lambda: _result(check, product))


def _result(check: ProductCheck, product: Product) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.WARN if check.warning else dg.AssetCheckSeverity.ERROR
    try:
        verdict = check.look(product)
    except Exception as error:  # a fault of the look must not undo what was made
        verdict = Verdict(False, f"It could not be looked at: {type(error).__name__}: {error}")
    return dg.AssetCheckResult(
        check_name=check.name,
        passed=verdict.passed,
        severity=severity,
        description=verdict.sentence,
        metadata=verdict.figures,
    )


@functools.cache
def _code(look: Callable[[Product], Verdict], libraries: tuple[str, ...]) -> str:
    return code_version(f"{look.__module__}:{look.__name__}", libraries=libraries).digest
