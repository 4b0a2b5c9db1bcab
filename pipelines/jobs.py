"""The jobs that the pages and the command line offer."""

import dagster as dg

from assets.staleness import REFRESH_TAGS

BENCHMARK = "benchmark"
REFRESH = "refresh"


def benchmark_jobs(refresh_executor: dg.ExecutorDefinition = dg.in_process_executor) -> list:
    """All jobs.

    refresh_executor: of the refresh. Most of its steps only look whether they are stale, so that by default they
        have no processes of their own.
    """
    return [
        dg.define_asset_job(
            BENCHMARK,
            selection=dg.AssetSelection.all(),
            description="The whole benchmark: dataset, training of every variant, separation, scores, table, report.",
        ),
        dg.define_asset_job(
            REFRESH,
            selection=dg.AssetSelection.all(),
            tags=REFRESH_TAGS,
            executor_def=refresh_executor,
            description="Only what is stale, and what follows from it; all else is carried over.",
        ),
    ]
