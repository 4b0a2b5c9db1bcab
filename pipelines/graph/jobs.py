"""The jobs that the pages and the command line offer."""

import dagster as dg

from assets.staleness.acceptance import ACCEPT_TAGS
from assets.staleness.standing import REFRESH_TAGS

BENCHMARK = "benchmark"
REFRESH = "refresh"
ACCEPT = "accept"


def accept_config(because: str = "", check: str = "auto") -> dict:
    """The config of the job ``accept``: the reason, and whether to check (:class:`assets.staleness.acceptance.Why`)."""
    return {"resources": {"acceptance": {"config": {"because": because, "check": check}}}}


def benchmark_jobs(refresh_executor: dg.ExecutorDefinition = dg.in_process_executor) -> list:
    """All jobs.

    refresh_executor: of the refresh. Most of its steps only look whether they are stale, so that by default they
        have no processes of their own.
    """
    return [
        dg.define_asset_job(
            BENCHMARK,
            selection=dg.AssetSelection.all(),
            description="Makes the whole benchmark again, also what is up to date: dataset, training of every variant, "
            "separation, scores, table, report. To make only what is stale, take the job refresh.",
        ),
        dg.define_asset_job(
            REFRESH,
            selection=dg.AssetSelection.all(),
            tags=REFRESH_TAGS,
            executor_def=refresh_executor,
            description="Makes what is stale and what follows from it, and nothing else. The button of this page does "
            'just that, although Dagster calls it "Materialize all". "Materialize unsynced" makes what is marked now.',
        ),
        dg.define_asset_job(
            ACCEPT,
            selection=dg.AssetSelection.all(),
            tags={**REFRESH_TAGS, **ACCEPT_TAGS},
            config=accept_config(),
            executor_def=dg.in_process_executor,
            description="Makes nothing: records what is stale as made by today's code, where only code changed. Select "
            "the assets, and say why in the config. A part of each is made again and compared, unless that takes long.",
        ),
    ]
