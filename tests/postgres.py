"""A PostgreSQL server for tests: Debian's, in a folder of its own, reached by a socket there."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_USER = "postgres"


def programs() -> Path | None:
    """The folder of the newest version that is installed; none where there is no server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda one: int(one.parts[-3]))
    if found:
        return found[-1].parent
    there = shutil.which("postgres")
    return Path(there).parent if there else None


@contextmanager
def server() -> Iterator[str]:
    """A running server, by the address of its database; the test is skipped where none is installed."""
    bin_folder = programs()
    if bin_folder is None:
        pytest.skip("needs a PostgreSQL server (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="sepbench-pg-"))  # a short path, for the socket
    as_user = []
    if os.geteuid() == 0:  # which PostgreSQL refuses to run as
        shutil.chown(folder, _USER)
        as_user = ["runuser", "-u", _USER, "--"]

    def run(program: str, *words: str) -> None:
        command = [*as_user, str(bin_folder / program), "-D", str(folder / "db"), *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    try:
        run("initdb", "-U", _USER, "-A", "trust", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://{_USER}@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
