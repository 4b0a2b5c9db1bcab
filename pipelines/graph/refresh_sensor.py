"""A sensor, off unless switched on, that refreshes the benchmark when code, settings or data changed."""

from collections.abc import Callable, Iterable

import dagster as dg

from assets.graph import benchmark_subjects
from assets.paths import Paths
from assets.staleness.standing import REFRESH_TAGS, standings, wanted_and_made
from pipelines.graph.jobs import REFRESH
from sepmodels.errors import UserError
from sepmodels.settings import Profile
from sepmodels.systems.system import System
from sepmodels.systems.variants import variants_of

RELOAD = 'The settings ask for other variants than Dagster has loaded: press "Reload definitions"'
UNDER_WAY = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def refresh_sensor(read_profile: Callable[[], Profile], paths: Paths, systems: Iterable[System]) -> dg.SensorDefinition:
    """Looks twice a minute; starts a refresh when something is stale and has been left alone since the last look.

    It reads code and settings anew each time, without a reload. Only another list of variants or profiles needs one.

    systems: those that Dagster has loaded.
    """
    systems = tuple(systems)
    loaded = set(variants_of(read_profile()))

    @dg.sensor(
        name="refresh_after_edits",
        job_name=REFRESH,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Starts the job refresh when code, settings or data changed. Off unless switched on.",
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        try:
            profile = read_profile()
            if extra := set(variants_of(profile)) ^ loaded:
                return dg.SensorResult(skip_reason=f"{RELOAD} ({', '.join(sorted(extra))}).")
            subjects = benchmark_subjects(profile, paths, systems)
        except UserError as fault:  # in the middle of an edit
            return dg.SensorResult(skip_reason=str(fault))
        found = standings(subjects, context.instance)
        if not any(one.state in ("stale", "never") for one in found):
            return dg.SensorResult(skip_reason="Everything is up to date.")
        if context.instance.get_runs(dg.RunsFilter(job_name=REFRESH, statuses=UNDER_WAY), limit=1):
            return dg.SensorResult(skip_reason="A refresh is under way.")
        seen = wanted_and_made(subjects, context.instance)
        if seen != context.cursor:
            return dg.SensorResult(skip_reason="Something changed: waiting for further edits.", cursor=seen)
        # the same edit that failed is not tried again
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=seen, tags=REFRESH_TAGS)], cursor=seen)

    return look
