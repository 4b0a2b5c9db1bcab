"""Dagster's own store: its history lies in the data folder, whatever the folder that a command is called in."""

import os
from pathlib import Path

from assets.paths import PROJECT
from sepmodels.files import replacing


def use_instance(data: Path) -> Path:
    """Let this process and its children keep Dagster's history under ``data``; gives the instance's folder.

    The settings are those of the project's ``dagster.yaml``, with the place of the data folder put in.
    """
    home = data / "dagster"
    text = (PROJECT / "dagster.yaml").read_text(encoding="utf-8").replace("data/dagster", str(home))
    settings = home / "dagster.yaml"
    if not settings.exists() or settings.read_text(encoding="utf-8") != text:
        with replacing(settings) as temporary:
            temporary.write_text(text, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    return home
