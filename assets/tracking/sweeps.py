"""A sweep in MLflow: a run of its own, and a run below it for each trial."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assets.tracking.naming import NOTE
from assets.tracking.pages import MLFLOW
from assets.tracking.provenance import git_state
from assets.tracking.run import TrackedRun, system_metrics
from assets.tracking.seeds import PARENT
from assets.tracking.store import open_store
from assets.tracking.tracker import PROCESS, end_run, experiment_of
from assets.tracking.trainings import MODE
from sepmodels.machine.identity import this_process
from sepmodels.machine.signals import held_signals

SWEEP = "sepbench.sweep"  # the sweep that a run is of, by the name of its folder
TRIAL = "sepbench.trial"
ALL = "all"  # in place of a trial's number, with the run that the others are below
ENDED = "sepbench.ended"  # how a trial did: at its end, or stopped early


class TrackedSweep:
    """The open run of a sweep, and those of its trials; made by :func:`tracked_sweep`."""

    def __init__(self, client: Any, experiment: str, name: str, folder: Path, warn: Callable[[str], None]) -> None:
        self._client = client
        self._experiment = experiment
        self._name = name
        self._folder = folder
        self._warn = warn
        self._tags = {SWEEP: name, PROCESS: this_process(), "mlflow.source.name": "sepbench", **git_state()}
        self._trials: dict[int, TrackedRun] = {}
        self.run = self._open(name, f"tags.`{SWEEP}` = '{name}' AND tags.`{TRIAL}` = '{ALL}'", {TRIAL: ALL})

    def trial(self, number: int, parameters: Mapping[str, Any]) -> TrackedRun:
        """The run of a trial, which is made, or goes on if it was broken off."""
        with held_signals():  # a run that is made is known here, so that an interrupt ends it
            if number not in self._trials:
                query = f"tags.`{PARENT}` = '{self.run.id}' AND tags.`{TRIAL}` = '{number}'"
                tags = {PARENT: self.run.id, TRIAL: str(number)}
                self._trials[number] = self._open(f"{self._name}, trial {number}", query, tags)
        self._trials[number].log_parameters(parameters)
        return self._trials[number]

    def end_trial(self, number: int, status: str, ended: str, note: str | None = None) -> None:
        """Close the run of a trial. ended: in a word, such as "pruned"."""
        run = self._trials.pop(number)
        with run.or_warn("how the trial ended"):
            self._client.set_tag(run.id, ENDED, ended)
        run.end(status, note)

    def end_trials(self, status: str) -> None:
        """Close the runs of all trials that are still open."""
        for run in self._trials.values():
            run.end(status)
        self._trials.clear()

    def _open(self, name: str, query: str, tags: Mapping[str, str]) -> TrackedRun:
        """The run that the query finds, or a new one."""
        from mlflow.entities import RunTag

        tags = {**self._tags, **tags}
        found = self._client.search_runs([self._experiment], query, max_results=1)
        if found:
            run_id = found[0].info.run_id
            self._client.update_run(run_id, status="RUNNING")
            self._client.log_batch(run_id, tags=[RunTag(key, value) for key, value in {**tags, NOTE: ""}.items()])
        else:
            run_id = self._client.create_run(self._experiment, tags=tags, run_name=name).info.run_id
        base = os.environ.get("SEPBENCH_MLFLOW_URL", MLFLOW).rstrip("/")
        url = f"{base}/#/experiments/{self._experiment}/runs/{run_id}{MODE}"
        return TrackedRun(self._client, run_id, url, folder=self._folder, warn=self._warn, goes_on=bool(found))


@contextmanager
def tracked_sweep(
    folder: Path, profile: str, name: str, parameters: Mapping[str, Any], warn: Callable[[str], None]
) -> Iterator[TrackedSweep]:
    """The run of a sweep in the store of ``folder``; it goes on where there is one of that name.

    It ends FINISHED, FAILED when an exception passes through, or KILLED when an interrupt does; so do the runs of its
    trials that are open then.

    name: of the sweep's folder. parameters: what the sweep is of. warn: is told what the store does not take.
    """
    client = open_store(folder)
    sweep: TrackedSweep | None = None
    try:
        with held_signals():
            sweep = TrackedSweep(client, experiment_of(client, folder, profile, warn), name, folder, warn)
        sweep.run.log_parameters(parameters)
        with system_metrics(client.tracking_uri, sweep.run):
            yield sweep
    except Exception as error:
        _end(sweep, "FAILED", f"{type(error).__name__}: {error}")
        raise
    except BaseException as interrupt:
        _end(sweep, "KILLED", f"Interrupted by {type(interrupt).__name__}.")
        raise
    else:
        _end(sweep, "FINISHED")


def _end(sweep: TrackedSweep | None, status: str, note: str | None = None) -> None:
    if sweep is not None:
        sweep.end_trials(status)
        end_run(sweep.run, status, note)
