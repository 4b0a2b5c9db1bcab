"""After a kill -9 or a power cut: what was left open is closed before anything new begins."""

import functools
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import dagster as dg

from assets import database
from assets.paths import Paths
from assets.runtime.hosts import is_mark_present
from pipelines.graph.instance import use_instance
from pipelines.graph.pool import close_ended_runs, free_lost_slots
from sepmodels.files import remove_left_behind


def clear_up(paths: Paths) -> None:
    """Close the runs of Dagster and MLflow whose process is gone, free their pools, remove what is half written.

    What goes on, in whatever process of this machine or of another one that is heard of, is left alone. Takes
    milliseconds when there is nothing to do.
    """
    use_instance(paths.data)
    with dg.DagsterInstance.get() as instance:
        close_ended_runs(instance)
        free_lost_slots(instance)
        if _has_open_runs(paths.data / "mlflow" / "mlflow.db"):
            _close_mlflow_runs(paths.data / "mlflow", instance)
    works = functools.partial(is_mark_present, paths.data)
    remove_left_behind(paths.root, works=works)
    remove_left_behind(paths.data / "mlflow", ".tmp-*", works)  # not below it, where a folder is kept for every run


def _has_open_runs(file: Path) -> bool:
    """Asked of the store itself: to import MLflow takes seconds."""
    if database.is_used():
        return database.has_open_mlflow_runs()
    if not file.exists():
        return False
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as store,
    ):
        return store.execute("SELECT 1 FROM runs WHERE status = 'RUNNING' LIMIT 1").fetchone() is not None
    return False  # what is wrong with the store, whoever opens it is told


def _close_mlflow_runs(folder: Path, instance: dg.DagsterInstance) -> None:
    from assets.tracking.store import open_store
    from assets.tracking.tracker import close_abandoned_runs

    client = open_store(folder)
    for experiment in client.search_experiments():
        close_abandoned_runs(client, experiment.experiment_id, instance)
