"""Which processes belong to a run, and which of them still live, as the run's log names them."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import dagster as dg

from assets.runtime.hosts import is_present, others_are_present
from sepmodels.machine.identity import host_of, is_alive, this_host

HOST_TAG = "sepbench/host"  # of a run in processes: its number, and the machine that leads it
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


def host_tag(run_id: str) -> dict[str, str]:
    """The tag of a run that this machine leads."""
    return {HOST_TAG: f"{run_id} {this_host()}"}


def leading_host(run: dg.DagsterRun) -> str:
    """The machine that leads the run; empty where nothing says which."""
    number, _, host = run.tags.get(HOST_TAG, "").partition(" ")
    if number == run.run_id:
        return host
    tag = run.tags.get(PROCESS_TAG) if run.parent_run_id is None else None
    return host_of(tag) if tag else ""


def data_of(instance: dg.DagsterInstance) -> Path:
    """The data folder that Dagster's history lies in."""
    return Path(instance.root_directory).parent


def leader_lives(run: dg.DagsterRun, instance: dg.DagsterInstance) -> bool | None:
    """Whether the process that leads the run lives; None where nothing says which it is.

    Of another machine's run only that machine can say so: it is believed to live while the machine is heard of.
    """
    host, data = leading_host(run), data_of(instance)
    if host not in ("", this_host()):
        return is_present(data, host)
    if not host and others_are_present(data):
        return None  # Dagster's pages start a run before it can say where it is
    leaders = [named for named in named_processes(run.run_id, instance) if not named.step_key]
    if leaders:
        return any(leader.lives() for leader in leaders)
    # A run that is started again from another one has that one's tags.
    tag = run.tags.get(PROCESS_TAG) if run.parent_run_id is None else None
    return is_alive(tag) if tag else None
