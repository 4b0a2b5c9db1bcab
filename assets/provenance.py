"""Which code and which process made something."""

import os
import socket
import subprocess

from assets.paths import PROJECT


def git_state() -> dict[str, str]:
    """The commit that the project is at, and whether its files differ from it; nothing outside a git checkout."""
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return {}
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return {"mlflow.source.git.commit": commit, "git.dirty": str(bool(changes)).lower()}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
    except OSError:  # no git here
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def this_process() -> str:
    """This process for :func:`is_alive`: machine, number, and start time, because numbers are used again."""
    import psutil

    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def is_alive(process: str) -> bool | None:
    """Whether the process that :func:`this_process` named still runs; None if that cannot be seen from here."""
    import psutil

    host, _, rest = process.partition(" ")
    if host != socket.gethostname():
        return None
    number, _, started = rest.partition(" ")
    try:
        found = psutil.Process(int(number))
        return f"{found.create_time():.2f}" == started and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
