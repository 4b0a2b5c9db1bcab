"""Where the products of a benchmark came from, as Dagster and MLflow have recorded it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from assets.staleness.acceptance import acceptances, in_one_sentence
from assets.staleness.durations import kind_of
from assets.staleness.last_made import PARTS, LastMade
from assets.staleness.standing import Standing
from assets.step import SEEDS
from assets.tracking.pages import DAGSTER, full_address
from assets.tracking.store import open_store
from sepmodels.files import hash_texts
from sepmodels.report.how_made import Origin


def origins(
    keys: Iterable[dg.AssetKey],
    instance: dg.DagsterInstance,
    mlflow_folder: Path,
    standings: Iterable[Standing] = (),
) -> list[Origin]:
    """The origin of every asset that has been materialized, in the order given.

    standings: of the assets, as they are now.
    """
    client = open_store(mlflow_folder)
    keys = list(keys)
    events = {
        record.asset_entry.asset_key: record.asset_entry.last_materialization
        for record in instance.get_asset_records(keys)
    }
    stale = {one.key: one.reasons[0] for one in standings if one.state != "fresh"}
    found = [(key, event) for key in keys if (event := events.get(key))]
    return [replace(_origin(key, event, client), stale=stale.get(key, "")) for key, event in found]


def _origin(key: dg.AssetKey, event: dg.EventLogEntry, client) -> Origin:
    """What MLflow says of the run that made it; of a product carried over, the run that really did."""
    link = event.asset_materialization.metadata.get("mlflow_run")
    url = str(link.value) if link else ""
    tags, started, ended = _run(client, url)
    product = event.asset_materialization
    last = LastMade(product.tags or {}, product.metadata, event.run_id)
    return Origin(
        asset="/".join(key.path[1:]),
        made=datetime.fromtimestamp(ended or event.timestamp, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        seconds=max(ended - started, 0.0),
        mlflow_url=full_address(url) if url else "",
        dagster_url=full_address(f"{DAGSTER}/assets/{'/'.join(key.path)}"),
        commit=tags.get("mlflow.source.git.commit", ""),
        edited=tags.get("git.dirty") == "true",
        accepted=in_one_sentence(acceptances(event.asset_materialization.metadata)),
        **(_of_training(last) if kind_of(key) == "checkpoint" else {}),
    )


def _of_training(last: LastMade) -> dict[str, Any]:
    """The settings that a training was made with, and a hash of the data that it learned from."""
    settings = {name: text for name, text in last.noted(PARTS).items() if name.startswith("training.") or name == SEEDS}
    inputs = sorted((key.to_user_string(), version) for key, version in last.inputs.items())
    return {"settings": settings, "data": hash_texts(text for pair in inputs for text in pair)}


def _run(client, url: str) -> tuple[Mapping[str, str], float, float]:
    """Tags, start and end in seconds of the MLflow run that a link leads to; nothing where it is gone."""
    from mlflow.exceptions import MlflowException

    found = re.search(r"/runs/(\w+)", url)
    try:
        run = client.get_run(found[1] if found else "")
    except MlflowException:
        return {}, 0.0, 0.0
    return run.data.tags, run.info.start_time / 1000, (run.info.end_time or run.info.start_time) / 1000
