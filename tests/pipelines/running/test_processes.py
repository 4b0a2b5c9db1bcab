"""What a process started ends with it, even when it is killed without a word."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from assets.paths import Paths
from assets.staleness.products import alone
from pipelines.running.processes import end_trees
from pipelines.running.runner import LOGS_KEPT, _alone, _Interrupts, _new_log, run_assets
from sepmodels.errors import UserError
from tests.conftest import PROJECT

# A command that runs a process (which starts one of its own) in a session of its own, and is watched.
COMMAND = """
import subprocess, sys
from assets.paths import Paths
from pipelines.running.processes import watched

INNER = "import time; print('ready', flush=True); time.sleep(3600)"
OUTER = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {INNER!r}])"
with watched() as watch:
    child = subprocess.Popen([sys.executable, "-c", OUTER], start_new_session=True)
    watch(child.pid)
    print("watched", flush=True)
    {ending}
"""


def run_until_ready(ending: str) -> tuple[subprocess.Popen, list[psutil.Process]]:
    command = [sys.executable, "-c", COMMAND.replace("{ending}", ending)]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert {process.stdout.readline() for _ in range(2)} == {"ready\n", "watched\n"}
    return process, psutil.Process(process.pid).children(recursive=True)


def test_what_a_killed_process_started_is_ended_with_all_that_it_started() -> None:
    process, family = run_until_ready("child.wait()")
    assert len(family) == 3  # the watcher, the child and the child's child
    process.kill()
    process.communicate()
    assert psutil.wait_procs(family, timeout=120)[1] == []


def test_a_process_that_outlives_a_command_which_ended_by_itself_is_ended() -> None:
    process, family = run_until_ready("sys.stdin.readline(); sys.exit(3)")
    process.communicate("end\n")
    assert process.returncode == 3
    assert psutil.wait_procs(family, timeout=120)[1] == []


def test_of_a_killed_leader_what_is_left_of_its_group_is_ended() -> None:
    inner = "import time; print('ready', flush=True); time.sleep(3600)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    command = [sys.executable, "-c", outer]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout.readline() == "ready\n"
        leader = psutil.Process(process.pid)
        left = leader.children()
        process.kill()
        process.wait()
        end_trees([leader])
        assert len(left) == 1
        assert psutil.wait_procs(left, timeout=120)[1] == []


def test_a_second_command_on_the_same_products_is_refused_in_a_sentence(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "demo")
    with _alone(paths), pytest.raises(UserError, match=r"Another command is making demo in .*: wait for it"):
        run_assets(paths, "refresh", ["demo/dataset"], Console())
    with _alone(Paths(tmp_path, "another")), _alone(paths):
        pass  # other products, and the same once they are free


def test_an_interrupt_that_comes_before_there_is_a_child_reaches_it_all_the_same() -> None:
    waits = "import signal, sys, time; signal.signal(2, lambda *_: sys.exit(7)); print('ready', flush=True)"
    command = [sys.executable, "-c", f"{waits}; time.sleep(60)"]
    with _Interrupts(Console(quiet=True)) as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout.readline() == "ready\n"
            interrupts.pass_to(child)
        assert (child.returncode, interrupts.came) == (7, [signal.SIGINT])


HOLDS = """
import sys, time
from pathlib import Path
from assets.staleness.products import alone

with alone(Path(sys.argv[1]), "4a2b6c8d-0123", print):
    print("making", flush=True)
    time.sleep(3600)
"""


def test_a_product_that_another_process_makes_is_waited_for_until_that_has_ended_in_whatever_way(
    tmp_path: Path,
) -> None:
    note = tmp_path / "begun" / "tracks"
    command = [sys.executable, "-c", HOLDS, str(note)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "making\n"

        def kill(sentence: str) -> None:
            assert sentence == "Another run (4a2b6c8d) is making it: waiting for that."
            process.kill()

        with alone(note, "another", kill):
            assert process.wait() == -9


def test_the_logs_of_the_last_runs_alone_are_kept(tmp_path: Path) -> None:
    for number in range(LOGS_KEPT + 5):
        log = _new_log(tmp_path, f"{number:08}-and-more")
        log.write_text("said")
        seconds = time.time() - 1000 + number
        os.utime(log, (seconds, seconds))
    kept = sorted(file.name for file in tmp_path.iterdir())
    assert len(kept) == LOGS_KEPT
    assert kept[-1] == f"run-{LOGS_KEPT + 4:08}.log"
