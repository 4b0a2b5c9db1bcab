"""Steps become Dagster assets: one function for all, so that what every asset shares stands in one place."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import dagster as dg

from assets.describe import describe, keep
from assets.events import Events
from assets.job import Job, Made
from assets.origins import origins
from assets.paths import Paths
from assets.staleness import CARRIED, data_version, refreshed
from assets.steps import Step, benchmark_steps
from assets.tracking import Tracker, asset_metadata
from assets.versions import step_settings, step_version, subject_of
from sepmodels.errors import UserError
from sepmodels.report.making import Origin
from sepmodels.settings import Profile
from sepmodels.variants import Variant


def benchmark_assets(
    profile: Profile, paths: Paths, variants: Iterable[Variant], references: Iterable[str]
) -> list[dg.AssetsDefinition]:
    """The assets of a profile's whole benchmark."""
    steps = benchmark_steps(profile, variants, references)
    names = tuple(dict.fromkeys(step.name for step in steps if step.name))
    return [as_asset(step, profile, paths, names) for step in steps]


def as_asset(step: Step, profile: Profile, paths: Paths, names: tuple[str, ...]) -> dg.AssetsDefinition:
    """The asset of one step: what it makes is tracked in MLflow, described, and versioned by its content."""
    subject = subject_of(step, profile, paths)

    @dg.asset(
        key=subject.key,
        deps=subject.needs,
        code_version=subject.version.digest,
        group_name=step.group,
        description=step.description,
        kinds=set(step.kinds),
        tags={"sepbench/profile": profile.name, **({"sepbench/system": step.name} if step.name else {})},
        pool=step.pool,
    )
    def materialize(context: dg.AssetExecutionContext, tracker: Tracker) -> dg.MaterializeResult:
        job = Job(profile, paths, step.name, step.variant, names, subject.version.digest, say=context.log.info)
        with Events(step.path, say=context.log.info) as events:
            result = refreshed(
                subject,
                context,
                look_again=lambda: step_version(step, profile, paths),
                make=lambda: _make(step, job, context, tracker, events),
            )
            events.ended("fresh" if CARRIED in result.metadata else "done")
        return result

    return materialize


def _make(
    step: Step, job: Job, context: dg.AssetExecutionContext, tracker: Tracker, events: Events
) -> dg.MaterializeResult:
    """Make the product in an MLflow run of its own, and describe it."""
    tags = _tags(step, job.profile, context.instance)
    with tracker.run(context, _parameters(step, job.profile), tags, resume=step.path[-1] == "checkpoint") as run:
        started = time.perf_counter()
        made = _without_traceback(
            step.make,
            replace(job, log=run.log, progress=events.progress, origins=lambda: _origins(step, job, context, tracker)),
        )
        run.log({"materialization_seconds": time.perf_counter() - started}, 0)
        keep(step, job, made, run)
        metadata = {**describe(step, job, made), **asset_metadata(run)}
    return dg.MaterializeResult(data_version=dg.DataVersion(made.content), metadata=metadata)


def _origins(step: Step, job: Job, context: dg.AssetExecutionContext, tracker: Tracker) -> list[Origin]:
    """Where the products that the step reads came from."""
    keys = [dg.AssetKey([job.profile.name, *needed]) for needed in step.needs]
    return origins(keys, context.instance, Path(tracker.folder))


def _without_traceback(make: Callable[[Job], Made], job: Job) -> Made:
    """Make the product; what a person can mend is said in one sentence, and is not tried again."""
    try:
        return make(job)
    except UserError as fault:
        raise dg.Failure(description=str(fault), allow_retries=False) from None


def _parameters(step: Step, profile: Profile) -> dict[str, object]:
    return {"profile": profile.name, **step_settings(step)}


def _tags(step: Step, profile: Profile, instance: dg.DagsterInstance) -> dict[str, str]:
    """The system, and the hash of every product that is read: of the dataset, of the checkpoint..."""
    read = {"/".join(needed): dg.AssetKey([profile.name, *needed]) for needed in step.needs}
    hashes = {f"sepbench.reads.{name}": data_version(key, instance) for name, key in read.items()}
    return {**hashes, **({"sepbench.system": step.name} if step.name else {})}
