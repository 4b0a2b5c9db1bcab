"""Whoever waits for a place in the pool says for whom, and nothing that has ended holds one."""

import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.test_utils import create_run_for_test

from pipelines.graph.instance import use_instance
from pipelines.graph.pool import Holder, close_ended_runs, free_lost_slots
from pipelines.graph.run_processes import PROCESS_TAG
from sepmodels.machine.identity import this_process

STEP = "demo__transformer__checkpoint"

# A run of one step in the pool, which makes a file and goes on until that file is gone.
STEP_IN_THE_POOL = """
import sys, time
from pathlib import Path
import dagster as dg
from pipelines.graph.pool import look_while_waiting

file = Path(sys.argv[1])

@dg.asset(key=["demo", file.name, "checkpoint"], pool="gpu")
def checkpoint():
    file.touch()
    while file.exists():
        time.sleep(0.05)

look_while_waiting()
with dg.DagsterInstance.get() as instance:
    dg.materialize([checkpoint], instance=instance)
"""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAGSTER_HOME", str(use_instance(tmp_path / "data")))
    with dg.DagsterInstance.get() as instance:
        instance.event_log_storage.set_concurrency_slots("gpu", 1)
        yield instance


def holder(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> Holder:
    """A step that has the only slot, of a run with that status."""
    run = create_run_for_test(instance, job_name="benchmark", status=status)
    assert instance.event_log_storage.claim_concurrency_slot("gpu", run.run_id, STEP).is_claimed
    return Holder(run.run_id, STEP)


def name_process(instance: dg.DagsterInstance, held: Holder, number: int) -> None:
    """Let the run's log say, as Dagster's does, which process makes the step."""
    run = instance.get_run_by_id(held.run_id)
    event = dg.DagsterEvent(
        dg.DagsterEventType.STEP_WORKER_STARTED.value,
        job_name=run.job_name,
        step_key=held.step_key,
        event_specific_data=EngineEventData({"pid": dg.MetadataValue.text(str(number))}),
    )
    instance.report_dagster_event(event, run.run_id)


def test_a_run_that_ended_this_very_moment_without_giving_its_slot_back_holds_none(instance) -> None:
    holder(instance, dg.DagsterRunStatus.FAILURE)
    assert free_lost_slots(instance) == []
    assert instance.event_log_storage.claim_concurrency_slot("gpu", "another", "step").is_claimed


def test_a_step_keeps_its_slot_while_its_process_lives_although_its_run_has_ended(instance) -> None:
    held = holder(instance, dg.DagsterRunStatus.FAILURE)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        name_process(instance, held, process.pid)
        assert free_lost_slots(instance) == [held]
        process.kill()
    assert free_lost_slots(instance) == []


def test_a_step_that_stood_in_line_for_a_run_that_ended_leaves_the_line(instance) -> None:
    held = holder(instance, dg.DagsterRunStatus.STARTED)
    run = create_run_for_test(instance, job_name="benchmark", status=dg.DagsterRunStatus.FAILURE)
    instance.event_log_storage.claim_concurrency_slot("gpu", run.run_id, STEP)
    assert free_lost_slots(instance) == [held]
    assert [one.run_id for one in instance.event_log_storage.get_concurrency_info("gpu").pending_steps] == [held.run_id]


def test_a_commands_run_is_closed_as_soon_as_its_process_is_gone_even_if_it_never_started(instance) -> None:
    lives = create_run_for_test(instance, job_name="benchmark", tags={PROCESS_TAG: this_process()})
    with subprocess.Popen(
        [sys.executable, "-c", "from sepmodels.machine.identity import this_process; print(this_process())"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        gone = create_run_for_test(instance, job_name="benchmark", tags={PROCESS_TAG: process.communicate()[0].strip()})
    again = create_run_for_test(
        instance, job_name="benchmark", tags=gone.tags, parent_run_id=gone.run_id, root_run_id=gone.run_id
    )
    close_ended_runs(instance)
    states = [instance.get_run_by_id(run.run_id).status.value for run in (lives, gone, again)]
    assert states == ["NOT_STARTED", "FAILURE", "NOT_STARTED"]


@pytest.mark.slow
def test_a_run_that_waits_says_for_whom_and_goes_on_when_that_ones_process_is_killed(instance, tmp_path: Path) -> None:
    def start(name: str) -> subprocess.Popen:
        with (tmp_path / f"{name}.log").open("w") as log:
            return subprocess.Popen([sys.executable, "-c", STEP_IN_THE_POOL, str(tmp_path / name)], stderr=log)

    first = start("first")
    while not (tmp_path / "first").exists():
        time.sleep(0.05)
    second = start("second")
    try:
        (first_run,) = instance.get_runs()
        sentence = f"second/checkpoint: waiting for first/checkpoint of the run {first_run.run_id[:8]} to end."
        while sentence not in engine_events(instance):
            assert second.poll() is None, (tmp_path / "second.log").read_text()
            time.sleep(0.2)
        first.kill()
        first.wait()
        while not (tmp_path / "second").exists():
            assert second.poll() is None, (tmp_path / "second.log").read_text()
            time.sleep(0.05)
        (tmp_path / "second").unlink()
        assert second.wait() == 0
    finally:
        for process in (first, second):
            process.kill()
            process.wait()
    assert sorted(run.status.value for run in instance.get_runs()) == ["FAILURE", "SUCCESS"]


def engine_events(instance: dg.DagsterInstance) -> list[str]:
    return [
        record.event_log_entry.dagster_event.message
        for run in instance.get_runs()
        for record in instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
    ]
