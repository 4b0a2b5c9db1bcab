"""What the assets are given by Dagster when they run."""

from pathlib import Path
from typing import Any

from assets.staleness.acceptance import Why
from assets.tracking.tracker import Tracker


def benchmark_resources(mlflow_folder: Path) -> dict[str, Any]:
    """The tracker of runs; and, for the job ``accept`` alone, why products are accepted, which its config says."""
    return {"tracker": Tracker(folder=str(mlflow_folder)), "acceptance": Why.configure_at_launch()}
