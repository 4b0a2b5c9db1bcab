"""The slots of Dagster's pool: whoever waits for one says for whom, and frees what nobody holds any more.

Dagster frees the slots of a run that died only through its daemon, which a command does not have, and waits in a
loop that keeps a processor busy.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import dagster as dg
from dagster._core.events import EngineEventData
from dagster._core.execution.plan.active import ActiveExecution

from assets.runtime.events import tell
from assets.runtime.hosts import is_present
from pipelines.graph.run_processes import data_of, leader_lives, leading_host, named_processes
from sepmodels.machine.identity import this_host

UNDER_WAY = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
ABOUT_TO_START = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING]
KILLED = "Its process was killed before it could end the run."
SILENT_SECONDS = 20.0  # a run that goes on names its process well before that
START_SECONDS = 180.0  # after which Dagster's own monitoring, too, gives a start up
LOOK_SECONDS = 2.0
PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Holder:
    """A step that has a slot of a pool, or is the next to have one."""

    run_id: str
    step_key: str

    def __str__(self) -> str:
        return f"{step_name(self.step_key)} of the run {self.run_id[:8]}"


def step_name(step_key: str) -> str:
    """A step's name in sentences, without the profile.

    >>> step_name("musdb18_7s__open_unmix__checkpoint")
    'open_unmix/checkpoint'
    """
    return "/".join(step_key.split("__")[1:]) or step_key


def close_ended_runs(instance: dg.DagsterInstance) -> None:
    """Report as failed the runs whose process is gone; what goes on, here or on a machine that is heard of, stays."""
    for record in instance.get_run_records(dg.RunsFilter(statuses=[*UNDER_WAY, *ABOUT_TO_START])):
        if _is_over(record, instance):
            instance.report_run_failed(record.dagster_run, KILLED)


def _is_over(record: dg.RunRecord, instance: dg.DagsterInstance) -> bool:
    alive = leader_lives(record.dagster_run, instance)
    if alive is not None:
        return not alive
    # killed before it could name its process, unless it is just about to
    patience = START_SECONDS if record.dagster_run.status in ABOUT_TO_START else SILENT_SECONDS
    return record.update_timestamp.timestamp() + patience < time.time()


def free_lost_slots(instance: dg.DagsterInstance) -> list[Holder]:
    """Free the slots of steps that nobody makes any more; gives the steps that hold one.

    A step lives as long as its run, and after that as long as its own process, which may still be saving.
    """
    held = []
    for holder, has_slot in _holders(instance).items():
        record = instance.get_run_record_by_id(holder.run_id)
        if record is None or (record.dagster_run.is_finished and not _goes_on(holder, record, instance)):
            instance.event_log_storage.free_concurrency_slot_for_step(holder.run_id, holder.step_key)
        elif has_slot:
            held.append(holder)
    return held


def _holders(instance: dg.DagsterInstance) -> dict[Holder, bool]:
    """Every step in a pool's books, and whether it has a slot; the others wait in line."""
    storage = instance.event_log_storage
    found: dict[Holder, bool] = {}
    for key in storage.get_concurrency_keys():
        info = storage.get_concurrency_info(key)
        found |= {Holder(one.run_id, one.step_key): bool(one.assigned_timestamp) for one in info.pending_steps}
        found |= {Holder(one.run_id, one.step_key): True for one in info.claimed_slots}
    return found


def _goes_on(holder: Holder, record: dg.RunRecord, instance: dg.DagsterInstance) -> bool:
    """Whether the step of a run that has ended is still being made: in a process of its own, or in the leader's."""
    if (host := leading_host(record.dagster_run)) not in ("", this_host()):
        return is_present(data_of(instance), host)  # which frees the slots of its own steps
    just_ended = (record.end_time or 0) + SILENT_SECONDS > time.time()
    named = named_processes(holder.run_id, instance)
    makers = (holder.step_key, "") if just_ended else (holder.step_key,)
    return any(process.step_key in makers and process.lives() for process in named)


def look_while_waiting() -> None:
    """Let every run of this process that waits for a slot look after it, and rest meanwhile."""
    if not hasattr(ActiveExecution.concurrency_event_iterator, "looks"):
        ActiveExecution.concurrency_event_iterator = _looking(ActiveExecution.concurrency_event_iterator)


def _looking(original):
    """Dagster's own function, which every turn of its loop calls, and after it a look."""
    waits: WeakKeyDictionary[ActiveExecution, _Wait] = WeakKeyDictionary()

    def concurrency_event_iterator(self, plan_context) -> Iterator[dg.DagsterEvent]:
        yield from original(self, plan_context)
        claims = self._instance_concurrency_context
        if claims is None or not claims.has_pending_claims():
            waits.pop(self, None)
            return
        wait = waits.setdefault(self, _Wait())
        for sentence in wait.look(plan_context.instance, plan_context.run_id, claims.pending_claim_steps()):
            tell(sentence)
            yield dg.DagsterEvent.engine_event(plan_context, sentence, EngineEventData())
        if not self.has_in_flight_steps:
            time.sleep(PAUSE_SECONDS)  # else Dagster's loop takes a whole processor

    concurrency_event_iterator.looks = True
    return concurrency_event_iterator


class _Wait:
    """The looks of one run that waits."""

    def __init__(self) -> None:
        self._next_look = 0.0
        self._said: set[Holder] = set()

    def look(self, instance: dg.DagsterInstance, run_id: str, steps: list[str]) -> Iterator[str]:
        """Free what nobody holds, every few seconds; gives a sentence where another run has what is waited for."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_SECONDS
        close_ended_runs(instance)
        others = {holder for holder in free_lost_slots(instance) if holder.run_id != run_id}
        if others - self._said:
            self._said |= others
            listed = ", ".join(sorted(map(str, others)))
            yield f"{', '.join(map(step_name, sorted(steps)))}: waiting for {listed} to end."
