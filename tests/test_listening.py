"""Where the command line hears of progress."""

import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.listening import listening
from tests.conftest import PROJECT

LISTENER = """
import time
from rich.console import Console
from pipelines.listening import listening
with listening(Console(), 1) as address:
    print(address, flush=True)
    time.sleep(3600)
"""


@pytest.fixture(autouse=True)
def folder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For temporary files; tests beside this one start commands, too. Not ``tmp_path``: a socket's path is short."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)  # asked for anew
        yield


def start() -> tuple[subprocess.Popen, Path]:
    process = subprocess.Popen([sys.executable, "-c", LISTENER], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def end(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()
    process.stdout.close()


def test_what_a_killed_command_left_is_removed_by_the_next_and_what_one_that_runs_needs_is_not() -> None:
    killed, abandoned = start()
    end(killed)
    assert abandoned.exists()
    runs, needed = start()
    try:
        assert not abandoned.parent.exists()
        with listening(Console(file=io.StringIO()), 1):
            assert needed.exists()
    finally:
        end(runs)
