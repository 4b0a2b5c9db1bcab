"""Steps become Dagster assets: one function for all, so that what every asset shares stands in one place."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import dagster as dg
from dagster._core.definitions.utils import is_valid_owner

from assets.accepting.accept import PartCheck, accept
from assets.accepting.evidence import made_again, seconds_to_check
from assets.checking.checks import checked, checks_of
from assets.checking.verdicts import Product
from assets.graph import benchmark_steps, benchmark_subjects
from assets.job import Job, Made
from assets.making.ahead import has_parts, made_ahead, made_here, on_cluster
from assets.making.beside import trained_beside
from assets.other_test_sets import scope
from assets.paths import Paths
from assets.runtime.events import Events, tell
from assets.runtime.failures import OneSentence, stopped_in_one_sentence
from assets.runtime.gpus import own_device
from assets.runtime.interrupts import noted_interrupts, raise_lost
from assets.runtime.orphans import end_with_the_run
from assets.showing.describe import describe, keep
from assets.staleness.acceptance import Why
from assets.staleness.last_made import CARRIED, RECORDS, LastMade
from assets.staleness.products import alone, products
from assets.staleness.standing import KEPT_FROM, Subject, asset_name, data_version, is_acceptance, refreshed, standings
from assets.staleness.step_version import step_settings, step_version, subject_of
from assets.step import Step
from assets.tracking.edits import PATCH, code_edits
from assets.tracking.naming import training_name
from assets.tracking.origins import origins
from assets.tracking.pages import FRONT
from assets.tracking.run import TrackedRun
from assets.tracking.seeds import seed_and_figure
from assets.tracking.tracker import READS, Tracker, asset_metadata
from sepmodels.errors import UserError
from sepmodels.machine.disk_room import require_room
from sepmodels.progress import Progress
from sepmodels.report.how_made import Origin
from sepmodels.settings import Profile
from sepmodels.systems.added import Added
from sepmodels.systems.system import System
from sepmodels.systems.variants import Variant, own_training

# "Materialize" in Dagster makes what is up to date, too; "Materialize unsynced" no more than is marked at the moment.
WHICH_BUTTON = f"The button *Refresh* on the [front page]({FRONT}) makes what is stale, and nothing else."
HEAD = {"sepbench/made_on": "head"}  # the tag of steps that a cluster leaves to its head
TRAINING_BYTES = 400e6  # two states with the optimiser's and the one that is being written, the model, MLflow's copy


def benchmark_assets(profile: Profile, paths: Paths, systems: Iterable[System]) -> list[dg.AssetsDefinition]:
    """The assets of a profile's whole benchmark."""
    systems = tuple(systems)
    return [as_asset(step, profile, paths, systems) for step in benchmark_steps(profile, systems)]


def as_asset(step: Step, profile: Profile, paths: Paths, systems: tuple[System, ...]) -> dg.AssetsDefinition:
    """The asset of one step: what it makes is tracked in MLflow, described, versioned by its content, and checked.

    Product and checks are one step of Dagster's, because a process for each check takes longer than all checks.
    """
    subject = subject_of(step, profile, paths)
    profile, paths = scope(step, profile, paths)
    checks = checks_of(step)

    @dg.multi_asset(
        name=subject.key.to_python_identifier(),
        specs=[_spec(step, subject, profile)],
        check_specs=[check.spec(subject.key) for check in checks],
        can_subset=True,  # so that a check can be run without making the product
        pool=step.pool,
        op_tags=None if has_parts(step) else HEAD,
    )
    def materialize(
        context: dg.AssetExecutionContext, tracker: Tracker, acceptance: Why
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        end_with_the_run()
        raise_lost()  # by the step before
        if context.selected_asset_keys:
            job = Job(_own(profile, step), paths, step.system, systems)
            with alone(
                subject.begun, context.run.run_id, _saying(subject, context)
            ):  # until Dagster has recorded what is yielded
                yield _materialized(step, subject, job, context, tracker, acceptance)
        chosen = {key.name for key in context.selected_asset_check_keys}
        for check in checks:
            if check.name in chosen:
                product = Product(profile, paths, step.system, systems)
                with stopped_in_one_sentence(lambda name=check.name: f"The check {name} was stopped."):
                    found = checked(check, subject.key, step, product, context)
                yield found

    return materialize


def _own(profile: Profile, step: Step) -> Profile:
    """The profile with the training that the step's system has of its own."""
    if not isinstance(step.system, Variant):
        return profile
    return replace(profile, training=own_training(step.system, profile.training))


def _saying(subject: Subject, context: dg.AssetExecutionContext) -> Callable[[str], None]:
    """Takes a sentence for the run's log and for the terminal."""

    def say(sentence: str) -> None:
        context.log.info(sentence)
        tell(f"{asset_name(subject.key)}: {sentence}")

    return say


def _spec(step: Step, subject: Subject, profile: Profile) -> dg.AssetSpec:
    return dg.AssetSpec(
        subject.key,
        deps=subject.needs,
        code_version=subject.version.digest,
        group_name=step.group,
        description=f"{step.description} {WHICH_BUTTON}",
        kinds=set(step.kinds),
        owners=_owners(step.system),
        tags={"sepbench/profile": profile.name, **({"sepbench/system": step.name} if step.name else {})},
    )


def _owners(system: System | None) -> list[str]:
    """Whose a system is, as Dagster has it: an email address, or a team."""
    owner = system.owner.strip() if isinstance(system, Added) else ""
    if not owner:
        return []
    return [owner if is_valid_owner(owner) else f"team:{owner}"]


def _materialized(
    step: Step, subject: Subject, job: Job, context: dg.AssetExecutionContext, tracker: Tracker, why: Why
) -> dg.MaterializeResult:
    """The product, made, carried over or accepted."""
    events = Events(step.path, say=context.log.info, going=job.paths.going, run=context.run.run_id)
    with stopped_in_one_sentence(events.stopped), events, noted_interrupts(), _device(step, job) as device:
        profile = replace(job.profile, device=device)
        job = replace(job, profile=profile, code_version=subject.seedless, say=context.log.info)
        result = refreshed(
            subject,
            context,
            look_again=lambda: step_version(step, job.profile, job.paths),
            make=lambda anew, accepted, why: _make(
                step, replace(job, anew=anew, accepted_versions=accepted), context, tracker, events, why
            ),
            accept=lambda last, others: accept(
                subject, last, others, why, _check(step, last, job, context, tracker, events)
            ),
        )
        events.ended(("accepted" if is_acceptance(context.run) else "fresh") if CARRIED in result.metadata else "done")
    return result


def _check(
    step: Step, last: LastMade, job: Job, context: dg.AssetExecutionContext, tracker: Tracker, events: Events
) -> PartCheck:
    """What makes a part of the last product again, and compares it."""
    job = replace(job, progress=_interruptible(events.progress), origins=lambda: _origins(step, job, context, tracker))
    return PartCheck(seconds_to_check(step, last, job), lambda: made_again(step, last, job))


def _device(step: Step, job: Job) -> AbstractContextManager[str]:
    """For the steps that share the GPUs one of its own, unless a single training takes several."""
    if step.pool is None or job.profile.training.processes > 1 or on_cluster(step, job.paths.data):
        return nullcontext(job.profile.device)
    return own_device(job.profile.device, job.paths.data / "locks", job.say)


def _make(
    step: Step, job: Job, context: dg.AssetExecutionContext, tracker: Tracker, events: Events, why: Sequence[str]
) -> dg.MaterializeResult:
    """Make the product in an MLflow run of its own, and describe it; with a training, keep what its code differs in."""
    tags = _tags(step, job.profile, context.instance)
    trains = step.part[-1] == "checkpoint"
    name = training_name(step.name, why) if trains else None
    with tracker.run(context, _parameters(step, job.profile), tags, resume=trains, name=name, why=why) as run:
        if trains:
            context.log_event(_where_to_watch(context.asset_key, run))
        if trains and (edits := code_edits(why)):
            run.text(PATCH, edits)
        stems = (needed for needed in step.needs if needed[0] == "stems")
        run.note_datasets(job.paths, {split: tags[f"{READS}{stem}/{split}"] for stem, split in stems})
        started = time.perf_counter()
        made = _without_traceback(
            _make_with_room(step),
            replace(
                job,
                log=_log(step, job, run, events),
                progress=_interruptible(events.progress),
                origins=lambda: _origins(step, job, context, tracker),
            ),
        )
        run.log({"materialization_seconds": time.perf_counter() - started}, 0)
        keep(step, job, made, run)
        metadata = {**asset_metadata(run), **describe(step, job, made)}
        if made.records:
            metadata[RECORDS] = dg.MetadataValue.json(dict(made.records))
        if made.kept_from:
            metadata[KEPT_FROM] = dg.MetadataValue.json(sorted(made.kept_from))
    return dg.MaterializeResult(data_version=dg.DataVersion(made.content), metadata=metadata)


def _log(step: Step, job: Job, run: TrackedRun, events: Events) -> Callable[[Mapping[str, float], int], None]:
    """Takes the step's figures for the run; of a training, also which seed is under way, unless all are at once."""
    if step.part[-1] != "checkpoint":
        return run.log
    if on_cluster(step, job.paths.data):
        return partial(run.log_by_seed, side_by_side=True)
    return _by_seed(run, events, job.profile.seeds)


def _by_seed(run: TrackedRun, events: Events, seeds: Sequence[int]) -> Callable[[Mapping[str, float], int], None]:
    """Logs the figures of a training with the run of their seed, and says which seed is under way."""

    def log(figures: Mapping[str, float], step: int) -> None:
        for seed in {seed_and_figure(name)[0] for name in figures} - {None}:
            events.begin_part(seeds.index(seed) + 1, len(seeds))
        run.log_by_seed(figures, step)

    return log


def _where_to_watch(key: dg.AssetKey, run: TrackedRun) -> dg.AssetObservation:
    """What the run's page shows while a training goes on."""
    pages = {"live_curves_and_time_left": dg.MetadataValue.url(FRONT), "mlflow_run": dg.MetadataValue.url(run.url)}
    return dg.AssetObservation(key, description="The training begins.", metadata=pages)


def _make_with_room(step: Step) -> Callable[[Job], Made]:
    """The step's function, or the cluster's parts and then it.

    A training is done beside the models of before, where there is room for what it writes.
    """
    if step.part[-1] != "checkpoint":
        return _make_by_parts(step)

    def make(job: Job) -> Made:
        if not all(path.exists() for path in products(step, job.profile, job.paths)):
            require_room(job.paths.data, TRAINING_BYTES, "a training", "name another data folder with --data")
        return trained_beside(job, _make_by_parts(step))

    return make


def _make_by_parts(step: Step) -> Callable[[Job], Made]:
    return lambda job: made_ahead(step, job) if on_cluster(step, job.paths.data) else made_here(step, job)


def _origins(step: Step, job: Job, context: dg.AssetExecutionContext, tracker: Tracker) -> list[Origin]:
    """Where the products that the step reads came from, and how they stand."""
    keys = [dg.AssetKey([job.profile.name, *needed]) for needed in step.needs]
    found = standings(benchmark_subjects(job.profile, job.paths, job.systems), context.instance)
    return origins(keys, context.instance, Path(tracker.folder), found)


def _interruptible(progress: Progress) -> Progress:
    def show(done: int, total: int, unit: str, **figures: float) -> None:
        raise_lost()
        progress(done, total, unit, **figures)

    return show


def _without_traceback(make: Callable[[Job], Made], job: Job) -> Made:
    """Make the product; what a person can mend is said in one sentence, and is not tried again."""
    try:
        return make(job)
    except UserError as fault:
        raise OneSentence(str(fault)) from None


def _parameters(step: Step, profile: Profile) -> dict[str, object]:
    return {"profile": profile.name, **step_settings(step)}


def _tags(step: Step, profile: Profile, instance: dg.DagsterInstance) -> dict[str, str]:
    """The system, and the hash of every product that is read: of the dataset, of the checkpoint..."""
    read = {"/".join(needed): dg.AssetKey([profile.name, *needed]) for needed in step.needs}
    hashes = {f"{READS}{name}": data_version(key, instance) for name, key in read.items()}
    return {**hashes, **({"sepbench.system": step.name} if step.name else {})}
