"""A command works with the code that it belongs to, or says whose it works with; so do the processes it starts."""

import sys
from pathlib import Path

from assets.paths import PROJECT, is_checkout
from sepmodels.errors import UserError


def foreign_code() -> str | None:
    """A sentence where the person stands in a checkout, and this process works with other code.

    Raises :class:`UserError` where the command lies in a checkout that is a copy, and would work with the original's
    code and data folder: a copied environment starts the original's Python.
    """
    script = Path(sys.argv[0]).resolve()
    if is_checkout() and script.name == "sepbench" and (copy := _checkout_of(script)) not in (None, PROJECT):
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


def own_module(name: str) -> tuple[list[str], Path | None]:
    """The command that runs a module of this same code, and the folder to run it in; None for the person's.

    Python looks for modules in the folder that it runs in first. In the checkout that is right. Wherever else the
    person stands, a file of theirs may be called as one of ours.
    """
    if is_checkout():
        return [sys.executable, "-m", name], PROJECT
    return [sys.executable, "-P", "-m", name], None


def _checkout_of(file: Path) -> Path | None:
    """The checkout of this project that the file lies in."""
    return next((folder for folder in file.parents if is_checkout(folder)), None)
