"""Of several checkouts, the command works with the code of its own, or says whose it works with."""

import sys
from pathlib import Path

from assets.paths import PROJECT
from sepmodels.errors import UserError


def foreign_code() -> str | None:
    """A sentence where the person stands in another checkout than the one whose code this process works with.

    Raises :class:`UserError` where the command lies in a checkout that is a copy, and would work with the original's
    code and data folder: a copied environment starts the original's Python.
    """
    script = Path(sys.argv[0]).resolve()
    if script.name == "sepbench" and (copy := _checkout_of(script)) not in (None, PROJECT):
        raise UserError(
            f"This command lies in {copy}, and would work with the code in {PROJECT}: its environment was copied from "
            f"there. Run `make setup` in {copy} first."
        )
    try:
        here = _checkout_of(Path.cwd() / "any")
    except FileNotFoundError:  # it was removed
        return None
    if here in (None, PROJECT):
        return None
    return (
        f"This works with the code in {PROJECT}, not with that in {here}: `make setup` there makes a sepbench for it."
    )


def _checkout_of(file: Path) -> Path | None:
    """The checkout of this project that the file lies in."""
    return next((folder for folder in file.parents if (folder / "pipelines" / "own_code.py").exists()), None)
