"""The edits of the code that MLflow has kept of each training."""

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from assets.tracking.edits import PATCH, can_be_applied
from assets.tracking.store import open_store
from sepmodels.report.how_made import Origin


def kept_edits(origins: Iterable[Origin], mlflow_folder: Path) -> dict[str, str]:
    """By product, the patch of the code that made it, of those that edited code made and whose patch is there."""
    client = open_store(mlflow_folder)
    found = {one.asset: _patch(client, one.mlflow_url) for one in origins if one.edited}
    return {name: patch for name, patch in found.items() if can_be_applied(patch)}


def _patch(client, url: str) -> str:
    """The text that the MLflow run at a link has kept; empty where the run or its file is gone."""
    from mlflow.exceptions import MlflowException

    run = re.search(r"/runs/(\w+)", url)
    try:
        if run is None or PATCH not in {file.path for file in client.list_artifacts(run[1])}:
            return ""
        with tempfile.TemporaryDirectory() as folder:
            return Path(client.download_artifacts(run[1], PATCH, folder)).read_text(encoding="utf-8")
    except (MlflowException, OSError):
        return ""
