"""Dagster's own store: its history lies in the data folder, whatever the folder that a command is called in."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from assets import database
from pipelines.permissions import may_write_history
from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.machine.disk_kind import NETWORK_DISKS, disk_kind

if TYPE_CHECKING:
    import dagster as dg

SETTINGS = Path(__file__).with_name("dagster.yaml")
_IN_FILES = """  sqlite:
    base_dir: "data/dagster"
"""
_IN_A_DATABASE = f"""  postgres:
    postgres_url:
      env: {database.DAGSTER_VARIABLE}
"""


def require_fit(data: Path) -> None:
    """Raise :class:`UserError` for a data folder that Dagster's and MLflow's stores cannot be in."""
    _require_known(data)
    if not database.is_used() and (kind := disk_kind(data)) in NETWORK_DISKS:
        raise UserError(
            f"The data folder {data} is on a network disk ({kind}), where SQLite, in which Dagster and MLflow keep "
            "their records, loses them: name a folder on a disk of this machine with --data, or a PostgreSQL "
            f"database by {database.VARIABLE} (docs/cluster.md)."
        )


def _require_known(data: Path) -> None:
    if not database.is_used() and _IN_A_DATABASE in _written(data):
        raise UserError(
            f"The records of {data} are in a PostgreSQL database: say which by {database.VARIABLE}, as before."
        )
    if odd := sorted({"%", "?"} & set(str(data))):
        raise UserError(
            f"The data folder {data} has {' and '.join(odd)} in its path, which the addresses of Dagster's and "
            "MLflow's stores cannot have: name another one."
        )


def _written(data: Path) -> str:
    """The settings that Dagster last had there."""
    try:
        return (data / "dagster" / "dagster.yaml").read_text(encoding="utf-8")
    except OSError:
        return ""


def use_instance(data: Path, *, in_files: bool = False) -> Path:
    """Let this process and its children keep Dagster's history under ``data``; gives the instance's folder.

    The settings are those of the ``dagster.yaml`` beside this file, with the place of the data folder put in.
    in_files: the history is there though a database was named.

    Raises :class:`UserError` as :func:`require_fit` does.
    """
    home = data / "dagster"
    require_fit(data)
    settings = home / "dagster.yaml"
    in_files = in_files or not database.is_used()
    text = _settings(home, in_files=in_files)
    if not in_files:
        database.use_database(data)
    if not settings.exists() or settings.read_text(encoding="utf-8") != text:
        with replacing(settings) as temporary:
            temporary.write_text(text, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def _settings(home: Path, *, in_files: bool) -> str:
    """The text of ``dagster.yaml`` for a folder."""
    within_quotes = json.dumps(str(home))[1:-1]
    text = SETTINGS.read_text(encoding="utf-8")
    if not in_files:
        text = text.replace(_IN_FILES, _IN_A_DATABASE)
    return text.replace("data/dagster", within_quotes)


def history_hint(data: Path) -> str | None:
    """For whoever starts Dagster by its own command: where its history is; None where nothing needs to be said.

    That command says that a temporary directory holds everything. That is so, unless a ``dagster.yaml`` where it was
    started names the data folder.
    """
    home, here = data / "dagster", Path.cwd()
    told = os.environ.get("DAGSTER_HOME")
    if told and Path(told).resolve() == home.resolve():
        return None
    if database.is_used():
        return f"The history is in {database.where()}, which Dagster's own command does not know: use `sepbench ui`."
    if not told and (here / "dagster.yaml").exists() and (here / "data").resolve() == data.resolve():
        return (
            f"Dagster's history is kept in {home}, not in a temporary directory. `sepbench ui` opens all pages at once."
        )
    return (
        f"This Dagster does not know what has been made in {data}: its history is another one. "
        f"Open the pages by `sepbench ui`, or set DAGSTER_HOME={home}."
    )


def of_dagsters_command(program: str) -> bool:
    """Whether a program is Dagster's own command, or a server that it has started.

    >>> [of_dagsters_command(name) for name in ("/x/bin/dagster", "/x/dagster/__main__.py", "/x/bin/sepbench")]
    [True, True, False]
    """
    path = Path(program)
    return "dagster" in (path.name, path.parent.name)


@contextmanager
def history(data: Path) -> Iterator["dg.DagsterInstance"]:
    """Dagster's history under ``data``, to look things up in.

    Dagster opens it for writing only. So where it is not yet there, may not be written to, or lies on a network disk,
    it is a copy of what is there, for as long as the block lasts. Raises :class:`UserError` where it may not be read
    either.
    """
    import dagster as dg

    _require_known(data)
    if database.knows(data) or (may_write_history(data) and disk_kind(data) not in NETWORK_DISKS):
        use_instance(data)
        with dg.DagsterInstance.get() as instance:
            yield instance
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "data"
        try:
            if (data / "dagster" / "history").exists():
                shutil.copytree(data / "dagster" / "history", copy / "dagster" / "history")
                for path in copy.rglob("*"):
                    path.chmod(0o700)  # of the original it took that it may not be written to
        except (shutil.Error, OSError) as error:
            raise UserError(f"{data / 'dagster'} cannot be read ({_reason(error)}): get permission for it.") from None
        before = os.environ.get("DAGSTER_HOME")
        use_instance(copy, in_files=True)
        with dg.DagsterInstance.get() as instance:
            yield instance
        os.environ.pop("DAGSTER_HOME")
        if before is not None:
            os.environ["DAGSTER_HOME"] = before


def _reason(error: OSError) -> str:
    return error.strerror or "Permission denied"
