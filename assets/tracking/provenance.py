"""Which code made something."""

import os
import shlex
import subprocess

from assets.paths import PROJECT, is_checkout


def git_state() -> dict[str, str]:
    """The commit that the project is at, and whether its files differ from it; nothing outside a git checkout.

    Where git refuses to say, why. An installed package has no commit: a repository around it is somebody else's.
    """
    if not is_checkout(PROJECT):
        return {}
    if refusal := git_refusal():
        return {"git.refused": refusal}
    commit = _git("rev-parse", "HEAD").stdout.strip()
    if not commit:
        return {}
    changes = _git("status", "--porcelain", "--untracked-files=no").stdout.strip()
    return {"mlflow.source.git.commit": commit, "git.dirty": str(bool(changes)).lower()}


def git_refusal() -> str | None:
    """A sentence where the project is a git checkout and git does not say at which commit."""
    if not (is_checkout(PROJECT) and (PROJECT / ".git").exists()):
        return None
    asked = _git("rev-parse", "HEAD")
    if asked.returncode == 0:
        return None
    lines = [line.removeprefix("fatal: ") for line in asked.stderr.splitlines() if line.startswith("fatal:")]
    reason = lines[0] if lines else asked.stderr.strip() or "it gives no reason"
    if "dubious ownership" in reason:
        mend = f"trust it by `git config --global --add safe.directory {shlex.quote(str(PROJECT))}`"
        return f"Git does not say which commit made this: {PROJECT} belongs to another user; {mend}."
    return f"Git does not say which commit made this: {reason}."


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What git says in the project's folder; in English, for it is looked at."""
    command, environment = ["git", *arguments], {**os.environ, "LC_ALL": "C"}
    try:
        return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", f"fatal: git cannot be run ({error.strerror})")
