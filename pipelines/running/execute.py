"""Runs a job of the chosen profile; the command line starts it as a child and shows its progress."""

import argparse
import json
import sys
from collections.abc import Sequence

COMMAND_TAG = "sepbench/command"  # of the run of a command, by which the command finds it
# By these Dagster's timeline and its pages of jobs find the runs that they show; runs of its own have them too.
DEFINITIONS = "pipelines.graph.definitions"
PAGES_TAGS = {".dagster/repository": f"__repository__@{DEFINITIONS}", "dagster/code_location": DEFINITIONS}
STOPPED = "DagsterExecutionInterruptedError"  # what Dagster raises in a step on Ctrl-C
_QUIET = {"loggers": {"console": {"config": {"log_level": "WARNING"}}}}


def main() -> int:
    """Run the job on the selected assets; 0 when every step succeeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--select", nargs="*", default=[], help="keys of assets; all when none is given")
    parser.add_argument("--command", required=True, help="by which the caller finds the run")
    parser.add_argument("--job", required=True)
    parser.add_argument("--tags", type=json.loads, default={}, help="further tags of the run, as JSON")
    parser.add_argument("--config", type=json.loads, default={}, help="config of the run, as JSON")
    arguments = parser.parse_args()

    import dagster as dg

    from assets.paths import Paths, data_folder
    from assets.runtime.hosts import show_presence
    from pipelines.graph.jobs import ACCEPT
    from pipelines.graph.run_processes import PROCESS_TAG
    from pipelines.graph.slots import give_slots
    from pipelines.profiles import chosen_profile, fix_settings
    from pipelines.running.aftermath import clear_up
    from sepmodels.machine.folder_lock import keep_held
    from sepmodels.machine.identity import this_process

    profile = chosen_profile()
    fix_settings(profile)
    paths = Paths(data_folder(), profile.name, profile.target)
    show_presence(paths.data)
    keep_held(paths.command_lock)
    clear_up(paths)
    with dg.DagsterInstance.get() as instance:
        slots = give_slots(instance, profile)
        several = arguments.job != ACCEPT and min(slots, _trainings(arguments.select)) > 1
        run = _in_processes if several else _in_this_process
        tags = {**arguments.tags, **PAGES_TAGS, COMMAND_TAG: arguments.command, PROCESS_TAG: this_process()}
        result = run(instance, arguments.job, arguments.select, tags, {**_QUIET, **arguments.config})
        if not result.success and _was_interrupted(result.run_id, instance):
            instance.report_run_canceled(instance.get_run_by_id(result.run_id), "Interrupted; what was made is kept.")
    return 0 if result.success else 1


def _trainings(keys: Sequence[str]) -> int:
    return sum(key.endswith("/checkpoint") for key in keys)


def _in_this_process(instance, job: str, keys: Sequence[str], tags: dict[str, str], config: dict):
    """One step after another: soonest where there is no more than one training."""
    import dagster as dg

    from pipelines.graph.definitions import defs

    return defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey.from_user_string(key) for key in keys] or None,
        tags=tags,
        raise_on_error=False,
        run_config=config,
    )


def _in_processes(instance, job: str, keys: Sequence[str], tags: dict[str, str], config: dict):
    """Each step in a process of its own, several trainings side by side."""
    import dagster as dg

    from pipelines.running import side_by_side

    return dg.execute_job(
        dg.reconstructable(getattr(side_by_side, job)),
        instance=instance,
        asset_selection=[dg.AssetKey.from_user_string(key) for key in keys],
        tags=tags,
        run_config=config,
    )


def _was_interrupted(run_id: str, instance) -> bool:
    """Whether a step ended by Ctrl-C: Dagster takes that for a failure of the run."""
    import dagster as dg

    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    errors = [record.event_log_entry.dagster_event.step_failure_data.error for record in records]
    return any((error.cause or error).cls_name == STOPPED for error in errors if error)


if __name__ == "__main__":
    sys.exit(main())
