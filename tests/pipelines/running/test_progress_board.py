"""Where the command line hears of progress."""

import errno
import io
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.running.progress_board import _Bars, _Lines, listening
from sepmodels.systems.variants import VARIANTS
from tests.conftest import PROJECT

LISTENER = """
import time
from rich.console import Console
from pipelines.running.progress_board import listening
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


def test_the_time_left_is_that_at_the_pace_of_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=200)
    lines, clock = _Lines(console, 1), 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    for seed, first in enumerate((1700, 5)):  # a seed that goes on after step 1700, and one from the begin
        for done in range(first, 2000, 5):
            lines.show("l1_loss/checkpoint", done, 2000, "step", {"loss": seed})
            clock += 2.5
    said = re.findall(r"(\d+)/2000 steps loss \d (\d+) s left", console.file.getvalue())
    assert len(said) > 80
    for done, seconds in said:
        assert int(seconds) == round((2000 - int(done)) / 2)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("columns", [80, 81, 100, 200])
def test_the_progress_of_a_training_is_whole_in_a_terminal_of_80_columns(name: str, columns: int) -> None:
    [line] = bars_of(f"{name}/checkpoint", columns)
    said = re.fullmatch(r"(\S+) +(\S+) +(1234)/2000 loss 0\.0312, 18\.6 chunks/s (\S+) *", line)
    assert said, line
    assert said[1] == f"{name}/checkpoint"
    assert set(said[2]) <= set("━╸╺")
    assert said[4] == "-:--:--"


@pytest.mark.parametrize("columns", [52, 60, 75])
def test_in_a_narrower_terminal_the_bar_and_the_figures_give_way_to_name_count_and_time(columns: int) -> None:
    [line] = bars_of("dual_loss_balanced/checkpoint", columns)
    assert line.split() == ["dual_loss_balanced/checkpoint", "1234/2000", "-:--:--"]


def bars_of(asset: str, columns: int) -> list[str]:
    """What the bars look like in a terminal of so many columns."""
    console = Console(file=io.StringIO(), width=columns, force_terminal=True, color_system=None)
    bars = _Bars(console, 1)
    bars.begin(asset)
    bars.show(asset, 1234, 2000, "step", {"loss": 0.03123, "chunks_per_second": 18.61})
    bars.close()  # what is printed while they are drawn has them below it
    with console.capture() as drawn:
        console.print(bars.bars.get_renderable())
    return drawn.get().splitlines()


class Full(io.StringIO):
    """A file on a full disk, or a pipe that was closed."""

    def __init__(self, fault: OSError) -> None:
        super().__init__()
        self.fault = fault

    def write(self, text: str) -> int:  # noqa: ARG002
        raise self.fault


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), BrokenPipeError()])
def test_steps_go_on_where_their_progress_can_no_longer_be_printed(
    fault: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Console, "on_broken_pipe", lambda _: sys.exit(1))  # its own closes this process's output
    with listening(Console(file=Full(fault)), 1) as address, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as step:
        step.settimeout(20)  # it would wait for ever
        for _ in range(1000):  # more than wait in a socket that nobody reads
            for state in ("started", "done"):
                step.sendto(json.dumps({"asset": "stems", "state": state}).encode(), address)


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
