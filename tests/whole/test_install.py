"""``make setup`` installs what the lock file names: by uv, and by pip where uv cannot."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

STAND_IN = """#!{python}
import os, sys
print(os.path.basename(sys.argv[0]), *sys.argv[1:])
sys.exit({status})
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT / "scripts", tmp_path / "scripts")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    return tmp_path


def install(checkout: Path, *, uv_status: int) -> subprocess.CompletedProcess:
    """Run the script in an environment where pip and uv only say what they are asked to do."""
    python = checkout / ".venv" / "bin" / "python"
    for name, status in (("pip", 0), ("uv", uv_status)):
        python.with_name(name).write_text(STAND_IN.format(python=python, status=status))
        python.with_name(name).chmod(0o755)
    command = ["sh", "scripts/install", sys.executable, ".venv", "requirements.lock"]
    environment = {**os.environ, "PYTHONHOME": sys.base_prefix}
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def test_uv_installs_what_the_lock_names_and_checks_its_hashes(checkout: Path) -> None:
    done = install(checkout, uv_status=0)
    assert done.returncode == 0, done.stderr
    _, pip, uv, project = done.stdout.splitlines()
    assert pip.startswith("pip install")
    assert pip.endswith("--require-hashes --only-binary :all: -r requirements-uv.lock")
    assert uv.startswith("uv pip install")
    assert uv.endswith("--require-hashes --compile-bytecode -r requirements.lock")
    assert project.endswith("--editable .")


def test_where_uv_cannot_pip_installs_the_same_and_checks_the_same_hashes(checkout: Path) -> None:
    done = install(checkout, uv_status=2)
    assert done.returncode == 0
    assert "pip does it" in done.stderr
    assert done.stdout.splitlines()[-2:] == [
        "pip install --quiet --no-deps --require-hashes -r requirements.lock",
        "pip install --quiet --no-deps --no-build-isolation --editable .",
    ]
