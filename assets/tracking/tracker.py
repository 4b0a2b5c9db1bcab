"""MLflow: one run for every materialization of an asset, and the model registry."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from assets.runtime.events import tell
from assets.runtime.hosts import is_present
from assets.runtime.interrupts import raise_lost
from assets.tracking.moving import artifact_uri
from assets.tracking.naming import NOTE, note
from assets.tracking.pages import MLFLOW
from assets.tracking.provenance import git_state
from assets.tracking.run import TrackedRun, system_metrics
from assets.tracking.store import open_store
from assets.tracking.trainings import MODE, keep_view, trainings_page
from sepmodels.machine.identity import host_of, is_alive, this_process
from sepmodels.machine.signals import held_signals

ASSET_KEY = "dagster.asset_key"
RUN_ID = "dagster.run_id"
CODE_VERSION = "sepbench.code_version"
PROCESS = "sepbench.process"
READS = "sepbench.reads."  # and the name of a product: its data version


def runs_page(folder: Path, profile: str, say: Callable[[str], None]) -> str:
    """Where the trainings of a profile are in MLflow's pages, below the server's address; makes what is not there."""
    client = open_store(folder)
    experiment_id = experiment_of(client, folder, profile, say)
    keep_view(client, experiment_id)
    return trainings_page(experiment_id)


def _saying(context: dg.AssetExecutionContext) -> Callable[[str], None]:
    """Takes a warning for the run's log and for the terminal."""

    def say(sentence: str) -> None:
        context.log.warning(sentence)
        tell(f"{'/'.join(context.asset_key.path[1:])}: {sentence}")

    return say


class Tracker(dg.ConfigurableResource):
    """Opens MLflow runs in the store of a folder.

    folder: holds ``mlflow.db`` and ``artifacts/``; made on first use.
    ui_url: of the MLflow server that links lead to; None means ``SEPBENCH_MLFLOW_URL``, or the one beside Dagster's
        page, at whatever address both are.
    """

    folder: str
    ui_url: str | None = None

    @contextmanager
    def run(
        self,
        context: dg.AssetExecutionContext,
        parameters: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        resume: bool = False,
        name: str | None = None,
        why: Sequence[str] = (),
    ) -> Iterator[TrackedRun]:
        """One MLflow run, in the experiment of the asset's profile, for the materialization that ``context`` is in.

        It ends FINISHED, FAILED when an exception passes through, or KILLED when an interrupt does (Terminate in
        Dagster, Ctrl-C). Runs whose process was killed without a word are closed first. With ``resume``, the run
        of the asset's last attempt goes on if that was broken off and was made from the same code and data.

        name: of the run; that of the asset if there is none. why: the reasons why the product is made, for its note.
        """
        client = open_store(Path(self.folder))
        say = _saying(context)
        experiment_id = experiment_of(client, Path(self.folder), context.asset_key.path[0], say)
        close_abandoned_runs(client, experiment_id, context.instance)
        all_tags = {**_provenance_tags(context), **{tag: str(value) for tag, value in (tags or {}).items()}}
        all_tags |= {NOTE: note(why)} if why else {}
        run: TrackedRun | None = None
        try:
            with held_signals():  # a run that is made is known here, so that an interrupt ends it
                run = self._begin(client, experiment_id, all_tags, context, resume, name, why)
            raise_lost()
            run.log_parameters(parameters or {})
            with system_metrics(client.tracking_uri, run):
                yield run
        except Exception as error:
            end_run(run, "FAILED", f"{type(error).__name__}: {error}")
            raise
        except BaseException as interrupt:  # Dagster's own interrupt is none of Exception's
            end_run(run, "KILLED", f"Interrupted by {type(interrupt).__name__}.")
            raise
        else:
            end_run(run, "FINISHED")

    def _begin(
        self,
        client,
        experiment_id: str,
        tags: Mapping[str, str],
        context: dg.AssetExecutionContext,
        resume: bool,
        name: str | None,
        why: Sequence[str],
    ) -> TrackedRun:
        earlier = _broken_off_attempt(client, experiment_id, tags) if resume else None
        name = name or "/".join(context.asset_key.path[1:])
        run_id = _reopen(client, earlier, tags) if earlier else _create(client, experiment_id, tags, name)
        link = self._link(experiment_id, run_id)
        return TrackedRun(
            client,
            run_id,
            link,
            folder=Path(self.folder),
            warn=_saying(context),
            why=why,
            goes_on=earlier is not None,
        )

    def _link(self, experiment_id: str, run_id: str) -> str:
        base = self.ui_url or os.environ.get("SEPBENCH_MLFLOW_URL", MLFLOW)
        return f"{base.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}{MODE}"


def asset_metadata(run: TrackedRun) -> dict[str, dg.MetadataValue]:
    """What an asset adds to its metadata: the link to its MLflow run."""
    return {"mlflow_run": dg.MetadataValue.url(run.url)}


def end_run(run: TrackedRun | None, status: str, note: str | None = None) -> None:
    """End the run if there is one, whatever interrupts come meanwhile; they have their effect afterwards."""
    ended = run is None
    while not ended:
        try:
            with held_signals():
                run.end(status, note)
                ended = True
        except Exception:
            raise
        except BaseException:
            if ended:
                raise


def close_abandoned_runs(client, experiment_id: str, instance: dg.DagsterInstance) -> None:
    """Mark KILLED the runs that say RUNNING but whose process is gone (kill -9, a power cut)."""
    for run in client.search_runs([experiment_id], "attributes.status = 'RUNNING'"):
        if _is_over(run.data.tags, instance):
            said = "Its process was killed before it could end the run."
            client.set_tag(run.info.run_id, NOTE, "\n\n".join(filter(None, [said, run.data.tags.get(NOTE)])))
            client.set_terminated(run.info.run_id, "KILLED")


def _is_over(tags: Mapping[str, str], instance: dg.DagsterInstance) -> bool:
    dagster_run = instance.get_run_by_id(tags.get(RUN_ID, ""))
    if dagster_run is not None and dagster_run.is_finished:
        return True
    process = tags.get(PROCESS, "")
    if not process:
        return dagster_run is None
    alive = is_alive(process)
    if alive is None:  # on another machine, which is asked for by its signs of life
        alive = is_present(Path(instance.root_directory).parent, host_of(process))
    return not alive


def experiment_of(client, folder: Path, profile: str, say: Callable[[str], None]) -> str:
    """The number of the profile's experiment, which is made if it is not there, and restored if it was deleted."""
    from mlflow.exceptions import MlflowException

    name = f"sepbench/{profile}"
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        if experiment.lifecycle_stage == "deleted":
            client.restore_experiment(experiment.experiment_id)
            say(f"The experiment {name} had been deleted in MLflow: it is restored, with its runs.")
        return experiment.experiment_id
    kind = {"mlflow.experimentKind": "custom_model_development"}
    try:
        return client.create_experiment(name, artifact_location=artifact_uri(folder), tags=kind)
    except MlflowException:  # another process was quicker
        if (experiment := client.get_experiment_by_name(name)) is None:
            raise
        return experiment.experiment_id


def _provenance_tags(context: dg.AssetExecutionContext) -> dict[str, str]:
    version = context.assets_def.code_versions_by_key.get(context.asset_key)
    known = {
        RUN_ID: context.run.run_id,
        ASSET_KEY: context.asset_key.to_user_string(),
        CODE_VERSION: version,
        PROCESS: this_process(),
        "mlflow.source.name": "sepbench",  # without it MLflow's page does not show the commit
        **git_state(),
    }
    return {name: value for name, value in known.items() if value}


def _create(client, experiment_id: str, tags: Mapping[str, str], name: str) -> str:
    return client.create_run(experiment_id, tags=dict(tags), run_name=name).info.run_id


def _broken_off_attempt(client, experiment_id: str, tags: Mapping[str, str]):
    """The asset's newest run, if it neither finished nor goes on, and made what would be made now."""
    newest = client.search_runs(
        [experiment_id],
        f"tags.`{ASSET_KEY}` = '{tags[ASSET_KEY]}'",
        max_results=1,
        order_by=["attributes.start_time DESC"],
    )
    if not newest or newest[0].info.status not in ("KILLED", "FAILED"):
        return None
    return newest[0] if _made_from(newest[0].data.tags) == _made_from(tags) else None


def _made_from(tags: Mapping[str, str]) -> dict[str, str]:
    """The code and the data that a run's tags name."""
    return {name: value for name, value in tags.items() if name == CODE_VERSION or name.startswith(READS)}


def _reopen(client, earlier, tags: Mapping[str, str]) -> str:
    from mlflow.entities import RunTag

    run_id = earlier.info.run_id
    before = [*earlier.data.tags.get("dagster.earlier_run_ids", "").split(), earlier.data.tags[RUN_ID]]
    again = {NOTE: "", "dagster.earlier_run_ids": " ".join(dict.fromkeys(before))}
    client.update_run(run_id, status="RUNNING")
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in {**again, **tags}.items()])
    return run_id
