"""Jobs, and the executor that runs their steps."""

import dagster as dg

from assets.staleness import REFRESH_TAGS

BENCHMARK = "benchmark"
REFRESH = "refresh"

# Steps that run in processes of their own start from one process that has already paid for the imports.
executor = dg.multi_or_in_process_executor.configured(
    {
        "multiprocess": {
            "max_concurrent": 2,
            "start_method": {
                "forkserver": {"preload_modules": ["torch", "mlflow", "museval", "pandas", "pipelines.definitions"]}
            },
        }
    }
)


def benchmark_jobs() -> list:
    """The jobs that the pages offer."""
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
            executor_def=dg.in_process_executor,  # most steps only look whether they are stale: no process for each
            description="Only what is stale, and what follows from it; all else is carried over.",
        ),
    ]
