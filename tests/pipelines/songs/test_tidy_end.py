"""A program that a signal ends leaves nothing behind."""

import signal
import subprocess
import sys

import pytest

from pipelines.songs.tidy_end import tidy_end
from tests.conftest import PROJECT

LOST = """
import signal
from pipelines.songs.tidy_end import end_if_asked, tidy_end

class Collected:
    def __del__(self):  # Python prints what is raised in here, and goes on
        signal.raise_signal({number})

with tidy_end():
    Collected()
    print("went on")
    {look}
print("after all")
"""


@pytest.mark.parametrize("look", ["end_if_asked()", ""], ids=["at the next look", "at the end of the block"])
def test_a_signal_whose_exception_got_lost_ends_the_program_all_the_same(look: str) -> None:
    script = LOST.format(number=int(signal.SIGTERM), look=look)
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.stdout == "went on\n"
    assert "SystemExit" in done.stderr  # ignored, where it was raised
    assert done.returncode == 128 + signal.SIGTERM


def broken_off_import() -> None:
    try:
        signal.raise_signal(signal.SIGTERM)
    except SystemExit:
        raise TypeError("expected a message argument") from None


def test_an_error_of_an_import_that_takes_the_place_of_the_signals_exception_changes_nothing() -> None:
    with pytest.raises(SystemExit) as ended, tidy_end():
        broken_off_import()
    assert ended.value.code == 128 + signal.SIGTERM
