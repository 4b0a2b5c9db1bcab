"""Dagster's executor with a process for each step; a run of it that is stopped says so in one sentence."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster._core.definitions.executor_definition import multiple_process_executor_requirements

from assets.runtime.failures import stopped_in_one_sentence
from assets.runtime.hosts import show_presence
from pipelines.graph.run_processes import data_of, host_tag

STOPPED = "The run was stopped: what is made is kept. `sepbench run`, or the job refresh, goes on from there."


@dg.executor(
    config_schema=dg.multiprocess_executor.config_schema, requirements=multiple_process_executor_requirements()
)
def processes(context: dg.InitExecutorContext) -> dg.Executor:
    """Dagster's own, with its config."""
    return _Processes(dg.multiprocess_executor.executor_creation_fn(context))


class _Processes(dg.Executor):
    def __init__(self, executor: dg.Executor) -> None:
        self._executor = executor

    @property
    def retries(self) -> Any:
        return self._executor.retries

    @property
    def step_dependency_config(self) -> Any:
        return self._executor.step_dependency_config

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
        instance = plan_context.instance
        show_presence(data_of(instance))
        instance.add_run_tags(plan_context.run_id, host_tag(plan_context.run_id))
        with stopped_in_one_sentence(lambda: STOPPED):
            yield from self._executor.execute(plan_context, execution_plan)
