"""Packs that are kept in a profile's folder, and are called by the commit that made them."""

import re
import shutil
import subprocess
from pathlib import Path

from assets.paths import PROJECT, Paths, whole_path
from assets.tracking.edits import can_be_applied, code_edits
from assets.tracking.provenance import git_state
from sepmodels.errors import UserError

CHARACTERS = 12  # of a commit's name, in that of a file
EDITED = "-edited"


def kept_pack(paths: Paths) -> Path:
    """The file for the pack of the code as it is now; a later one of the same commit takes its place.

    Raises UserError where there is no commit.
    """
    commit = git_state().get("mlflow.source.git.commit", "")
    if not commit:
        raise UserError("There is no git commit that a pack could be called by: name a file with --out.")
    edited = EDITED if can_be_applied(code_edits()) else ""
    return paths.packs / f"{commit[:CHARACTERS]}{edited}.zip"


def result_named(name: str, paths: Paths) -> Path:
    """The file or folder that a person means: what lies there, or else the pack that was kept of a commit.

    A commit is named by its first characters, as git prints it, or by a branch, a tag or HEAD~1; with "-edited" it is
    that of the code with edits. Raises UserError where there is none, or more than one.
    """
    place = whole_path(name)
    if place.exists() or place.suffix == ".zip":
        return place
    kept = sorted(file.stem for file in paths.packs.glob("*.zip"))
    asked, edited = name.removesuffix(EDITED), EDITED if name.endswith(EDITED) else ""
    starts = [one for one in (asked if re.fullmatch("[0-9a-f]{4,}", asked) else "", _commit(asked)) if one]
    found = [
        one
        for one in kept
        if one.endswith(EDITED) == bool(edited) and any(one.startswith(start[:CHARACTERS]) for start in starts)
    ]
    if len(found) == 1:
        return paths.packs / f"{found[0]}.zip"
    if found:
        raise UserError(f"{name!r} is the beginning of {len(found)} commits: {', '.join(found)}. Name one of them.")
    there = f"Those of {paths.profile} are {', '.join(kept)}" if kept else f"No commit of {paths.profile} was kept"
    raise UserError(
        f"{name!r} is no pack, no folder, and no commit whose result was kept. {there}: `sepbench pack --keep` "
        "keeps that of the code as it is."
    )


def _commit(name: str) -> str:
    """The commit that git knows by a name; empty if none."""
    if name.startswith("-") or not shutil.which("git"):
        return ""
    command = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False).stdout.strip()
