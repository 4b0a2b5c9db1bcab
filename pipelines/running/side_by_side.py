"""Running a job's steps in processes of their own, so that several variants train at once."""

import dagster as dg

from pipelines.graph.slots import slots_here
from sepmodels.settings import Profile

POOL = "gpu"
# Steps start from one process that has already paid for the imports.
FORKSERVER = {
    "forkserver": {"preload_modules": ["torch", "mlflow", "museval", "pandas", "pipelines.graph.definitions"]}
}


def executor_for(profile: Profile) -> dg.ExecutorDefinition:
    """An executor for as many trainings as there are slots, and one more step beside them."""
    return dg.multiprocess_executor.configured(
        {"max_concurrent": slots_here(profile) + 1, "start_method": FORKSERVER}, name="side_by_side"
    )


def give_slots(instance: dg.DagsterInstance, profile: Profile) -> int:
    """Let so many steps of the pool run at once in this instance as there are slots; gives their number."""
    slots = slots_here(profile)
    instance.event_log_storage.set_concurrency_slots(POOL, slots)
    return slots


def benchmark() -> dg.JobDefinition:
    """The job of that name, as processes of its steps find it again."""
    return _in_processes("benchmark")


def refresh() -> dg.JobDefinition:
    """The job of that name, as processes of its steps find it again."""
    return _in_processes("refresh")


def _in_processes(name: str) -> dg.JobDefinition:
    from pipelines.graph.definitions import defs
    from pipelines.graph.jobs import benchmark_jobs
    from pipelines.profiles import chosen_profile

    jobs = benchmark_jobs(refresh_executor=executor_for(chosen_profile()))
    return dg.Definitions(
        assets=defs.assets,
        resources=defs.resources,
        executor=executor_for(chosen_profile()),
        jobs=jobs,
    ).resolve_job_def(name)
