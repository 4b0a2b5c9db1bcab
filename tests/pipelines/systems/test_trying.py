"""Programs and functions are tried before they are added."""

import shlex
import sys
from pathlib import Path

import pytest

from pipelines.systems.trying import try_system
from sepmodels.errors import UserError
from sepmodels.systems.program import Program
from sepmodels.systems.python_function import PythonFunction


def program(command: str) -> Program:
    return Program("theirs", "Theirs", "", command=command, vocals="{out}/vocals.wav")


def function(file: Path, code: str) -> PythonFunction:
    file.write_text(code)
    return PythonFunction("mine", "Mine", "", python=f"{file}:separate", limit_minutes=0.5)


def test_a_program_that_is_not_here_is_refused_before_any_track_waits_for_it() -> None:
    with pytest.raises(UserError, match="no program 'no-such-program' here"):
        try_system(program("no-such-program {mixture}"))
    try_system(program(f"{shlex.quote(sys.executable)} -m theirs {{mixture}}"))


def test_a_place_that_the_command_would_not_find_from_its_own_folder_is_refused_with_the_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs.py").touch()
    for command in ("python theirs.py {mixture}", "./theirs.py {mixture}"):
        with pytest.raises(UserError, match=f"write {tmp_path}/theirs.py"):
            try_system(program(command))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "\ndef separate(mixture):\n    return mixture",
            r"TypeError: separate\(\) takes 1 positional argument but 2 were given \(.*/mine\.py, line 2\)",
        ),
        (
            "def separate(mixture, rate):\n    return scaled(mixture)\ndef scaled(x):\n    return x * y",
            r"NameError: name 'y' is not defined \(.*/mine\.py, line 4\)",
        ),
        (
            "import numpy\ndef separate(mixture, rate):\n    return numpy.zeros(-1)",
            r"ValueError: negative dimensions are not allowed \(.*/mine\.py, line 3\)",
        ),
        ("import not_here\ndef separate(mixture, rate): ...", r"No module named 'not_here' \(.*/mine\.py, line 1\)"),
        ("def separate(mixture, rate):\n    return mixture[0]", r"gave vocals of shape \(88200,\)"),
    ],
)
def test_a_function_that_fails_on_noise_is_refused_with_what_it_said_and_where(
    tmp_path: Path, code: str, said: str
) -> None:
    with pytest.raises(UserError, match=said) as fault:
        try_system(function(tmp_path / "mine.py", code))
    assert "nothing was added" in str(fault.value)
    assert "^" not in str(fault.value)


def test_a_function_that_separates_passes(tmp_path: Path) -> None:
    try_system(function(tmp_path / "mine.py", "def separate(mixture, rate):\n    return 0.5 * mixture"))
