"""Jobs, and the executor that runs their steps."""

import dagster as dg

BENCHMARK = "benchmark"

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
    ]
