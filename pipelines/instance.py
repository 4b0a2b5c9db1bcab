"""Dagster's own store: its history lies in the data folder, whatever the folder that a command is called in."""

import json
import os
from pathlib import Path

from assets.paths import PROJECT
from sepmodels.errors import UserError
from sepmodels.files import replacing


def require_fit(data: Path) -> None:
    """Raise :class:`UserError` for a data folder that Dagster's and MLflow's stores cannot be in."""
    if odd := sorted({"%", "?"} & set(str(data))):
        raise UserError(
            f"The data folder {data} has {' and '.join(odd)} in its path, which the addresses of Dagster's and "
            "MLflow's stores cannot have: name another one."
        )


def use_instance(data: Path) -> Path:
    """Let this process and its children keep Dagster's history under ``data``; gives the instance's folder.

    The settings are those of the project's ``dagster.yaml``, with the place of the data folder put in.

    Raises :class:`UserError` as :func:`require_fit` does.
    """
    home = data / "dagster"
    require_fit(data)
    within_quotes = json.dumps(str(home))[1:-1]
    text = (PROJECT / "dagster.yaml").read_text(encoding="utf-8").replace("data/dagster", within_quotes)
    settings = home / "dagster.yaml"
    if not settings.exists() or settings.read_text(encoding="utf-8") != text:
        with replacing(settings) as temporary:
            temporary.write_text(text, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    return home
