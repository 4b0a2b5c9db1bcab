"""What the code differs in from its commit, so that what was made from edited code can be made again."""

import os
import subprocess
from collections.abc import Iterable

from assets.paths import PROJECT
from assets.tracking.provenance import git_state

PATCH = "edits.patch"
CODE = ("sepmodels", "assets", "pipelines", "sepbench.py", "pyproject.toml")  # never data
MOST_BYTES = 1_000_000
_PLAIN = ("--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")


def code_edits(reasons: Iterable[str] = ()) -> str:
    """The patch that makes of the commit the code as it is now; empty where they are the same, or there is no commit.

    New files count, too, unless git ignores them. A head, which git passes over, names the commit and the reasons why
    something was made from this code. Edits of more than :data:`MOST_BYTES` are left out, and the head says so.
    """
    commit = git_state().get("mlflow.source.git.commit")
    if not commit:
        return ""
    paths = [path for path in CODE if (PROJECT / path).exists()]
    patch = _git("diff", *_PLAIN, "HEAD", "--", *paths)
    new = _git("ls-files", "-z", "--others", "--exclude-standard", "--", *paths).split(b"\0")
    for path in filter(None, new):
        if len(patch) > MOST_BYTES:
            break
        patch += _git("diff", *_PLAIN, "--no-index", "--", os.devnull, os.fsdecode(path))
    if not patch:
        return ""
    head = [f"Edits of the code since commit {commit}.", *(f"Made because: {reason}." for reason in reasons)]
    if len(patch) > MOST_BYTES:
        return "\n".join([*head, f"They are more than {MOST_BYTES:,} bytes, and were not kept.", ""])
    return "\n".join([*head, "", patch.decode("utf-8", errors="replace")])


def can_be_applied(patch: str) -> bool:
    """Whether there is anything in a patch of :func:`code_edits`, beside its head."""
    return "\ndiff --git " in patch


def _git(*arguments: str) -> bytes:
    """What git prints in the project's folder, byte for byte: the ends of lines count."""
    return subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, check=False).stdout
