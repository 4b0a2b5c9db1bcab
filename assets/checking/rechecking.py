"""In a refresh, what was checked before and has not changed since is not checked again."""

from collections.abc import Callable

import dagster as dg

from assets.staleness.standing import data_version, is_refresh

DATA = "data_version"
CODE = "code_version"
_LOOK_BACK = 10


def rechecked(
    key: dg.AssetCheckKey, code: str, context: dg.AssetExecutionContext, look: Callable[[], dg.AssetCheckResult]
) -> dg.AssetCheckResult:
    """What ``look`` finds, with a note of the data and the code (a digest) that it was found with.

    In a refresh, the last finding again where both are as they were then.
    """
    data = data_version(key.asset_key, context.instance)
    last = _last_finding(key, context.instance)
    if is_refresh(context.run) and last and (last.metadata[DATA].value, last.metadata[CODE].value) == (data, code):
        return dg.AssetCheckResult(
            check_name=key.name,
            passed=last.passed,
            severity=last.severity,
            description=last.description,
            metadata=last.metadata,
        )
    found = look()
    return dg.AssetCheckResult(
        check_name=key.name,
        passed=found.passed,
        severity=found.severity,
        description=found.description,
        metadata={**found.metadata, DATA: data, CODE: code},
    )


def _last_finding(key: dg.AssetCheckKey, instance: dg.DagsterInstance) -> dg.AssetCheckEvaluation | None:
    """The last finding with a note; what is only planned, as the run's own check is, is passed over."""
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=_LOOK_BACK)
    found = (record.evaluation for record in records)
    return next((one for one in found if isinstance(one, dg.AssetCheckEvaluation) and DATA in one.metadata), None)
