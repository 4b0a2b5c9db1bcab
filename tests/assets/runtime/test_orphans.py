"""A step's process does not outlive its run's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

# A run with one step, which goes on until it is interrupted.
RUN = """
import multiprocessing, sys, time
from assets.runtime.orphans import end_with_the_run

def step():
    end_with_the_run()
    try:
        print("going on", flush=True)  # whoever reads it may kill the run at once, before this has come back
        time.sleep(3600)
    except KeyboardInterrupt:
        print("saved", flush=True)

if __name__ == "__main__":
    process = multiprocessing.get_context(sys.argv[1]).Process(target=step)
    process.start()
    process.join()
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])  # in every way that Dagster starts steps
def test_a_step_saves_and_ends_when_its_run_is_killed_without_a_word(tmp_path: Path, method: str) -> None:
    script = tmp_path / "run.py"
    script.write_text(RUN)
    command, environment = [sys.executable, str(script), method], {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "going on\n"
        process.kill()
        assert process.stdout.read() == "saved\n"  # and nobody writes there any more
