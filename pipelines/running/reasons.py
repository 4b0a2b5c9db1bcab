"""Why the steps of a command's run failed, a sentence each, as Dagster has recorded it."""

from collections.abc import Iterator

from dagster import DagsterEvent, DagsterEventType, DagsterInstance, RunsFilter
from dagster._utils.error import SerializableErrorInfo

from pipelines.running.execute import COMMAND_TAG, STOPPED

CRASHED = "ChildProcessCrashException"  # what Dagster says of a step whose process has gone
GOES_ON = "`sepbench run` with the same options goes on from here."
_MOST_CHARACTERS = 300
_ENDS_OF_SENSE = ("[SQL:", "[parameters:", "(Background on this error at:")  # SQLAlchemy's, after what was wrong


def failures(command: str) -> Iterator[tuple[str, str]]:
    """The asset and the reason of each failed step; where no step failed, those of the run itself."""
    with DagsterInstance.get() as instance:
        runs = instance.get_runs(RunsFilter(tags={COMMAND_TAG: command}))
        steps = [event for run in runs for event in _events(run.run_id, DagsterEventType.STEP_FAILURE, instance)]
        ends = [event for run in runs for event in _events(run.run_id, DagsterEventType.RUN_FAILURE, instance)]
    for event in steps:
        data = event.step_failure_data
        if data.user_failure_data and data.user_failure_data.description:
            yield _asset_of(event), data.user_failure_data.description
        elif data.error:
            yield _asset_of(event), reason_of(data.error)
    for event in ends if not steps else ():
        if error := event.job_failure_data.error:
            reason = reason_of(error)
            yield "run", reason if reason.endswith(GOES_ON) else f"{reason}; {GOES_ON}"


def reason_of(error: SerializableErrorInfo) -> str:
    """One line for an error: its kind and what it says, without where it came from.

    >>> reason_of(SerializableErrorInfo("sqlalchemy.exc.DataError: too long\\n[SQL: SELECT 1]\\n", [], "DataError"))
    'DataError: too long'
    """
    cause = error.cause or error
    name = cause.cls_name or "Error"
    if name == STOPPED:
        return f"stopped; {GOES_ON}"
    if name == CRASHED:
        return f"its process was killed, as the system does when memory runs out; {GOES_ON}"
    said = []
    for line in cause.message.partition(f"{name}: ")[2].splitlines():
        if line.startswith(_ENDS_OF_SENSE):
            break
        said.append(line.strip())
    text = " ".join(filter(None, said))
    return f"{name}: {text[:_MOST_CHARACTERS]}" if text else name


def _events(run_id: str, kind: DagsterEventType, instance: DagsterInstance) -> Iterator[DagsterEvent]:
    for record in instance.get_records_for_run(run_id, of_type=kind).records:
        yield record.event_log_entry.dagster_event


def _asset_of(event: DagsterEvent) -> str:
    return "/".join(event.step_key.split("__")[1:]) if event.step_key else "run"
