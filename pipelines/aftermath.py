"""After a kill -9 or a power cut: what was left open is closed before anything new begins."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import dagster as dg

from assets.paths import Paths
from pipelines.instance import use_instance
from sepmodels.files import remove_half_written

UNDER_WAY = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
ABOUT_TO_START = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING]
KILLED = "Its process was killed before it could end the run."
SETTLED_SECONDS = 20.0  # a step may still be saving for a while after its run ended
START_SECONDS = 180.0  # after which Dagster's own monitoring, too, gives a start up


def clear_up(paths: Paths) -> None:
    """Close the runs of Dagster and MLflow whose process is gone, free their pools, remove what is half written.

    What goes on, in whatever process of this machine, is left alone. Takes milliseconds when there is nothing to do.
    """
    use_instance(paths.data)
    with dg.DagsterInstance.get() as instance:
        for record in instance.get_run_records(dg.RunsFilter(statuses=[*UNDER_WAY, *ABOUT_TO_START])):
            if _is_over(record, instance):
                instance.report_run_failed(record.dagster_run, KILLED)
                instance.event_log_storage.free_concurrency_slots_for_run(record.dagster_run.run_id)
        _free_pools(instance)
        if _has_open_runs(paths.data / "mlflow" / "mlflow.db"):
            _close_mlflow_runs(paths.data / "mlflow", instance)
    remove_half_written(paths.root)


def _is_over(record: dg.RunRecord, instance: dg.DagsterInstance) -> bool:
    """Whether none of the processes that the run's log names still runs."""
    named = list(_processes(record.dagster_run, instance))
    if not named:  # killed before it could name one, unless it is just about to
        patience = START_SECONDS if record.dagster_run.status in ABOUT_TO_START else SETTLED_SECONDS
        return record.update_timestamp.timestamp() + patience < time.time()
    return not any(_runs_since(number, seconds) for number, seconds in named)


def _processes(run: dg.DagsterRun, instance: dg.DagsterInstance) -> Iterator[tuple[int, float]]:
    """The numbers of the run's processes, and when they were running."""
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
    for record in records:
        event = record.event_log_entry.dagster_event
        if event and (number := event.engine_event_data.metadata.get("pid")):
            yield int(number.value), record.event_log_entry.timestamp


def _runs_since(number: int, seconds: float) -> bool:
    """Whether the process that had this number then has it still."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(number)
        return process.create_time() <= seconds and process.status() != psutil.STATUS_ZOMBIE
    return False


def _free_pools(instance: dg.DagsterInstance) -> None:
    """Give back the slots of runs that ended without doing so themselves."""
    storage = instance.event_log_storage
    holding = storage.get_concurrency_run_ids()
    for record in instance.get_run_records(dg.RunsFilter(run_ids=list(holding))) if holding else ():
        if record.dagster_run.is_finished and (record.end_time or 0) + SETTLED_SECONDS < time.time():
            storage.free_concurrency_slots_for_run(record.dagster_run.run_id)


def _has_open_runs(database: Path) -> bool:
    """Asked of the file itself: to import MLflow takes seconds."""
    if not database.exists():
        return False
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as store,
    ):
        return store.execute("SELECT 1 FROM runs WHERE status = 'RUNNING' LIMIT 1").fetchone() is not None
    return False  # what is wrong with the store, whoever opens it is told


def _close_mlflow_runs(folder: Path, instance: dg.DagsterInstance) -> None:
    from assets.tracking import close_abandoned_runs, open_store

    client = open_store(folder)
    for experiment in client.search_experiments():
        close_abandoned_runs(client, experiment.experiment_id, instance)
