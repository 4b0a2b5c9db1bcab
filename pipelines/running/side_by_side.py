"""Running a job's steps in processes of their own, so that several variants train at once."""

import dagster as dg

from pipelines.graph.slots import executor_for


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
