"""Asset checks: what must hold of each product, looked at after every materialization."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import dagster as dg

from assets import verdicts
from assets.code_version import code_version
from assets.paths import Paths
from assets.rechecking import rechecked
from assets.verdicts import Subject, Verdict
from sepmodels.settings import Profile
from sepmodels.variants import Variant


@dataclass(frozen=True)
class Check:
    """A check of one asset; ``warning`` where the benchmark goes on all the same."""

    path: tuple[str, ...]
    look: Callable[[Subject], Verdict]
    description: str
    name: str = ""
    warning: bool = False


def benchmark_checks(
    profile: Profile, paths: Paths, variants: Iterable[Variant], references: Iterable[str]
) -> list[dg.AssetChecksDefinition]:
    """The checks of a profile's whole benchmark."""
    variants, references = tuple(variants), tuple(references)
    checks = [
        Check(("tracks",), verdicts.splits_are_disjoint_and_complete, "Every track is in one split; none is empty."),
        Check(("tracks",), verdicts.stems_sum_to_the_mixture, "Each mixture is the sum of its stems.", warning=True),
        Check(("results",), verdicts.table_is_complete, "The table has a row for every variant and reference."),
    ]
    for variant in variants:
        checks += [
            Check(
                (variant.name, "checkpoint"),
                verdicts.losses_and_weights_are_finite,
                "No loss and no weight is NaN or infinite.",
                name=variant.name,
            ),
            Check(
                (variant.name, "estimates"),
                verdicts.estimates_are_as_long_as_the_mixture,
                "Every test track has an estimate of the mixture's length.",
                name=variant.name,
            ),
        ]
    for name in [*(variant.name for variant in variants), *references]:
        checks.append(
            Check(
                (name, "scores"),
                verdicts.scores_are_nan_only_where_silent,
                "A score is NaN only in windows that are silent, where museval gives NaN too.",
                name=name,
            )
        )
        checks.append(
            Check(
                (name, "scores"),
                verdicts.one_track_scores_as_by_museval,
                "The shortest test track, scored again by museval itself, has the same scores.",
                name=name,
            )
        )
    names = (*(variant.name for variant in variants), *references)
    return [_as_dagster(check, profile, paths, names) for check in checks]


def _as_dagster(check: Check, profile: Profile, paths: Paths, names: tuple[str, ...]) -> dg.AssetChecksDefinition:
    key = dg.AssetCheckKey(dg.AssetKey([profile.name, *check.path]), check.look.__name__)
    code = code_version(f"{check.look.__module__}:{check.look.__name__}").digest

    @dg.asset_check(asset=key.asset_key, name=key.name, description=check.description)
    def look(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        subject = Subject(profile, paths, check.name, names)
        return rechecked(key, code, context, lambda: _result(check, check.look(subject)))

    return look


def _result(check: Check, verdict: Verdict) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.WARN if check.warning else dg.AssetCheckSeverity.ERROR,
        description=verdict.sentence,
        metadata=verdict.figures,
    )
