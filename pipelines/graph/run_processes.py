"""Which processes belong to a run, and which of them still live, as the run's log names them."""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import dagster as dg

from assets.runtime.identity import is_alive

PROCESS_TAG = "sepbench/process"  # of a command's run: the process that leads it, known before its log names one
_NAMING = {dg.DagsterEventType.ENGINE_EVENT, dg.DagsterEventType.STEP_WORKER_STARTED}


class Named(NamedTuple):
    """A process that a run's log names.

    step_key: of the step that it makes; empty for the process that leads the run.
    seconds: when it was running, since the epoch.
    """

    number: int
    step_key: str
    seconds: float

    def lives(self) -> bool:
        """Whether the process that had this number then has it still."""
        import psutil

        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.number)
            return process.create_time() <= self.seconds and process.status() != psutil.STATUS_ZOMBIE
        return False


def named_processes(run_id: str, instance: dg.DagsterInstance) -> Iterator[Named]:
    """The processes that a run's log names: its leader's, and those of its steps."""
    for record in instance.get_records_for_run(run_id, of_type=_NAMING).records:
        entry = record.event_log_entry
        event = entry.dagster_event
        if event and (number := event.engine_event_data.metadata.get("pid")):
            is_step = event.event_type is dg.DagsterEventType.STEP_WORKER_STARTED
            yield Named(int(number.value), (event.step_key or "") if is_step else "", entry.timestamp)


def leader_lives(run: dg.DagsterRun, instance: dg.DagsterInstance) -> bool | None:
    """Whether the process that leads the run lives; None where nothing says which it is."""
    leaders = [named for named in named_processes(run.run_id, instance) if not named.step_key]
    if leaders:
        return any(leader.lives() for leader in leaders)
    # A run that is started again from another one has that one's tags.
    tag = run.tags.get(PROCESS_TAG) if run.parent_run_id is None else None
    return is_alive(tag) if tag else None
