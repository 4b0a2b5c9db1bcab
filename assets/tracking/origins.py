"""Where the products of a benchmark came from, as Dagster and MLflow have recorded it."""

import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from assets.staleness.acceptance import acceptances, in_one_sentence
from assets.tracking.store import open_store
from sepmodels.report.how_made import Origin

DEFAULT_UI_URL = "http://127.0.0.1:3000"
UI_URL_VARIABLE = "SEPBENCH_DAGSTER_URL"


def origins(keys: Iterable[dg.AssetKey], instance: dg.DagsterInstance, mlflow_folder: Path) -> list[Origin]:
    """The origin of every asset that has been materialized, in the order given."""
    client = open_store(mlflow_folder)
    keys = list(keys)
    events = {
        record.asset_entry.asset_key: record.asset_entry.last_materialization
        for record in instance.get_asset_records(keys)
    }
    return [_origin(key, event, client) for key in keys if (event := events.get(key))]


def _origin(key: dg.AssetKey, event: dg.EventLogEntry, client) -> Origin:
    """What MLflow says of the run that made it; of a product carried over, the run that really did."""
    link = event.asset_materialization.metadata.get("mlflow_run")
    url = str(link.value) if link else ""
    tags, started, ended = _run(client, url)
    return Origin(
        asset="/".join(key.path[1:]),
        made=datetime.fromtimestamp(ended or event.timestamp, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        seconds=max(ended - started, 0.0),
        mlflow_url=url,
        dagster_url=f"{os.environ.get(UI_URL_VARIABLE, DEFAULT_UI_URL).rstrip('/')}/assets/{'/'.join(key.path)}",
        commit=tags.get("mlflow.source.git.commit", ""),
        edited=tags.get("git.dirty") == "true",
        accepted=in_one_sentence(acceptances(event.asset_materialization.metadata)),
    )


def _run(client, url: str) -> tuple[Mapping[str, str], float, float]:
    """Tags, start and end in seconds of the MLflow run that a link leads to; nothing where it is gone."""
    from mlflow.exceptions import MlflowException

    found = re.search(r"/runs/(\w+)", url)
    try:
        run = client.get_run(found[1] if found else "")
    except MlflowException:
        return {}, 0.0, 0.0
    return run.data.tags, run.info.start_time / 1000, (run.info.end_time or run.info.start_time) / 1000
