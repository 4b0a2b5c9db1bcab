"""Programs and functions of somebody else's: what they get, and how each way to fail is told."""

import shlex
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.systems.added import Tracks
from sepmodels.systems.program import Program
from sepmodels.systems.python_function import PythonFunction

NO_TRACKS = Tracks()
MIXTURE = np.random.default_rng(0).uniform(-0.5, 0.5, (2, SAMPLE_RATE_HZ)).astype(np.float32)
LIMIT_MINUTES = 0.2


def program(code: str, vocals: str = "{out}/vocals.wav", **options: object) -> Program:
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {{mixture}} {{out}}"
    return Program("theirs", "Theirs", "", command=command, vocals=vocals, limit_minutes=LIMIT_MINUTES, **options)


def run(system: Program | PythonFunction) -> np.ndarray:
    with system.opened(NO_TRACKS) as separate:
        return separate("song", MIXTURE).vocals


COPY = "import sys, shutil; shutil.copy(sys.argv[1], sys.argv[2] + '/vocals.wav')"


def test_a_program_gets_the_mixture_and_what_it_writes_is_the_estimate() -> None:
    assert np.array_equal(run(program(COPY)), MIXTURE)


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    system = program(COPY)
    run(Program("theirs", "", "", command=f"{system.command} ; touch {touched}", vocals=system.vocals))
    assert not touched.exists()


@pytest.mark.parametrize(
    ("code", "vocals", "said"),
    [
        ("print('working')", "{out}/vocals.wav", r"no file is \{out\}/vocals\.wav .*It said last: working"),
        ("import sys; sys.exit('no model')", "{out}/vocals.wav", "ended with status 1. It said last: no model"),
        ("import os; os.kill(os.getpid(), 9)", "{out}/vocals.wav", "ended by signal 9, and said nothing"),
        (COPY, "{out}/../../vocals.wav", "is to write below {out}"),
        (COPY, "/tmp/vocals.wav", "is to write below {out}"),
        ("print('x' * 10_000_000, 'the end', flush=True); raise SystemExit(2)", "{out}/vocals.wav", "x the end$"),
    ],
)
def test_a_program_that_fails_is_named_with_the_end_of_what_it_said(code: str, vocals: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as fault:
        run(program(code, vocals))
    assert "theirs" in str(fault.value)
    assert len(str(fault.value)) < 1000


def test_a_program_that_hangs_is_ended_with_all_that_it_started() -> None:
    code = (
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(999)'])\n"
    )
    code += "print(p.pid, flush=True); time.sleep(999)"
    system = Program("theirs", "", "", command=program(code).command, vocals="{out}/v.wav", limit_minutes=0.05)
    with pytest.raises(UserError, match=r"not done after 0.05 minutes") as fault:
        run(system)
    started = int(str(fault.value).rpartition(" ")[2])
    assert not psutil.pid_exists(started) or psutil.Process(started).status() == psutil.STATUS_ZOMBIE


def test_a_program_that_is_not_there_and_a_command_without_its_words_are_refused() -> None:
    absent = Program("theirs", "", "", command="no-such-program {mixture}", vocals="{out}/vocals.wav")
    with pytest.raises(UserError, match=r"theirs cannot be started .no-such-program"):
        run(absent)
    with pytest.raises(UserError, match=r"has no {mixture}"):
        Program("theirs", "", "", command="separate", vocals="{out}/vocals.wav").check()
    with pytest.raises(UserError, match="mend its quotes"):
        Program("theirs", "", "", command="separate '{mixture}", vocals="{out}/vocals.wav").check()
    with pytest.raises(UserError, match="give one that prints a version"):
        program(COPY, version_command="false").check()


def test_the_version_of_a_program_is_what_it_prints() -> None:
    assert program(COPY, version_command="echo 1.2.3").version() == {"printed": "1.2.3"}


def function(folder: Path, code: str) -> PythonFunction:
    (folder / "mine.py").write_text(code)
    place = f"{folder / 'mine.py'}:separate"
    return PythonFunction("mine", "Mine", "", python=place, limit_minutes=LIMIT_MINUTES)


def test_a_function_runs_in_another_process_and_may_import_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "gain.py").write_text("GAIN = 0.5")
    code = "import os, gain\ndef separate(mixture, rate):\n    print('noise')\n    return gain.GAIN * mixture"
    assert np.array_equal(run(function(tmp_path, code)), np.float32(0.5) * MIXTURE)


def test_a_change_of_the_file_or_of_what_it_imports_beside_it_is_another_version(tmp_path: Path) -> None:
    (tmp_path / "gain.py").write_text("GAIN = 0.5")
    system = function(tmp_path, "import gain\ndef separate(mixture, rate):\n    return mixture")
    versions = [system.version()]
    (tmp_path / "gain.py").write_text("GAIN = 0.25")
    versions.append(system.version())
    function(tmp_path, "import gain\ndef separate(mixture, rate):\n    return -mixture")
    versions.append(system.version())
    assert len({str(version) for version in versions}) == 3


@pytest.mark.parametrize(
    ("imported", "file"),
    [
        ("from net.model import gain", "net/model.py"),
        ("import net.model", "net/__init__.py"),
        ("from net import model", "net/model.py"),
        ("from net.deep.er import x", "net/deep/__init__.py"),
        ("from net.deep import x", "net/blocks.py"),
        ("from bare import model", "bare/model.py"),
        ("from net import *", "net/more.py"),
        ("from net.deep import x", "beside.py"),
    ],
)
def test_a_change_in_a_package_beside_the_file_is_another_version(tmp_path: Path, imported: str, file: str) -> None:
    for name, code in {
        "net/__init__.py": "from .more import y",
        "net/model.py": "gain = 1",
        "net/more.py": "y = 1",
        "net/deep/__init__.py": "from .. import blocks\nfrom . import er",
        "net/deep/er.py": "import beside",
        "net/blocks.py": "",
        "bare/model.py": "",
        "beside.py": "",
        "unused.py": "",
        "net/unused.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code)
    system = function(tmp_path, f"{imported}\ndef separate(mixture, rate):\n    return mixture")
    before = system.version()
    for name in ("unused.py", "net/unused.py"):
        (tmp_path / name).write_text("changed = 1")
    assert system.version() == before
    (tmp_path / file).write_text((tmp_path / file).read_text() + "\nchanged = 1")
    assert system.version() != before


@pytest.mark.parametrize("place", ["src", "site-packages"])
@pytest.mark.parametrize("imported", ["from pkg_of_mine.core import f", "from .core import f", "from . import core"])
def test_a_change_in_an_installed_package_is_another_version_and_other_packages_are_not(
    tmp_path: Path, monkeypatch, imported: str, place: str
) -> None:
    folder = tmp_path / place / "pkg_of_mine"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "core.py").write_text("import other_of_mine")
    (folder / "api.py").write_text(f"{imported}\ndef separate(mixture, rate): return mixture")
    (folder.parent / "other_of_mine.py").touch()
    monkeypatch.syspath_prepend(folder.parent)
    system = PythonFunction("mine", "", "", python="pkg_of_mine.api:separate")
    try:
        versions = [system.version()]
        for file in ("core.py", "__init__.py", "../other_of_mine.py"):
            (folder / file).write_text((folder / file).read_text() + "\nf = 2")
            versions.append(system.version())
    finally:
        sys.modules.pop("pkg_of_mine", None)
    assert len({str(version) for version in versions}) == (4 if place == "src" else 3)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('no weights')", "ended with status 1. It said last: .*ValueError: no weights"),
        ("return mixture[0]", r"gave vocals of shape \(44100,\) for a mixture of \(2, 44100\)"),
        ("return mixture * float('nan')", "not a number"),
        ("return None", r"gave vocals of shape \(\)"),
        ("raise SystemExit(0)", "ended with status 0"),
    ],
)
def test_a_function_that_fails_is_told_with_the_end_of_what_it_said(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        run(function(tmp_path, f"def separate(mixture, rate):\n    {body}"))


def test_a_function_that_is_not_there_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no separate: expected a function"):
        function(tmp_path, "def other(): pass").check()
    with pytest.raises(UserError, match="is not valid Python"):
        function(tmp_path, "def separate(:").check()
    with pytest.raises(UserError, match="There is no file"):
        PythonFunction("mine", "", "", python=f"{tmp_path}/none.py:separate").check()
    with pytest.raises(UserError, match="no module nowhere"):
        PythonFunction("mine", "", "", python="nowhere:separate").check()
    with pytest.raises(UserError, match=r"no entry point of sepbench.systems 'nothing'"):
        PythonFunction("mine", "", "", python="nothing").check()
