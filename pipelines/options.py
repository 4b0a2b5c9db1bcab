"""Options that several commands share. Environment variables carry them to every process of a run."""

import json
import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from assets.paths import DATA_VARIABLE, Paths, data_folder, folder_named_by
from assets.tracking.moving import follow_move
from pipelines.ports import pass_by_proxies
from pipelines.profiles import (
    DATASET_VARIABLE,
    DEFAULT,
    FOLDER_SETTING,
    OVERRIDES_VARIABLE,
    PROFILE_VARIABLE,
    PROFILES,
    chosen_profile,
    override,
)
from sepmodels.errors import UserError
from sepmodels.settings import Profile
from sepmodels.systems.variants import ON_REQUEST

FOLDER_VARIABLES = (DATA_VARIABLE, DATASET_VARIABLE, "TMPDIR")  # a person may give these as relative paths

ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        metavar="NAME",
        help=f"Which benchmark: {', '.join(PROFILES)}. [default: ${PROFILE_VARIABLE}, or demo]",
    ),
]
DatasetOption = Annotated[
    Path | None,
    typer.Option(
        "--dataset",
        metavar="DIR",
        help=f"The folder of the dataset. [default: ${DATASET_VARIABLE}, or data/PROFILE/dataset]",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="The folder for all products and histories. [default: $SEPBENCH_DATA, or data]"
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SETTING=VALUE",
        help="Change a setting, such as training.batch=8, seeds=42,43 or device=cpu. Repeat it for more. "
        "`sepbench profiles -p NAME` lists them all.",
    ),
]

AcceptLicenceOption = Annotated[
    bool,
    typer.Option(
        "--accept-licence",
        help="Accept the licence of the profile's public dataset, once. `sepbench download` shows it.",
    ),
]


def use_options(
    profile: str | None = None,
    dataset: Path | None = None,
    data: Path | None = None,
    settings: Iterable[str] = (),
    only: Iterable[str] = (),
) -> tuple[Profile, Paths]:
    """Put the options into the environment, where this process and its children find them.

    Folders become absolute paths, because the children work in other folders.

    only: the variants to make; this asks for those on request, too.
    """
    if profile:
        os.environ[PROFILE_VARIABLE] = profile
    if dataset:
        os.environ[DATASET_VARIABLE] = str(dataset)
    if data:
        os.environ[DATA_VARIABLE] = str(data)
    for variable in FOLDER_VARIABLES:
        folder_named_by(variable)
    pass_by_proxies()
    overrides = json.loads(os.environ.get(OVERRIDES_VARIABLE) or "{}")
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise UserError(f"--set {setting!r} has no value: write SETTING=VALUE, such as training.batch=8.")
        overrides[key.strip()] = value.strip()
    if folder := overrides.get(FOLDER_SETTING):
        overrides[FOLDER_SETTING] = override(PROFILES[DEFAULT], FOLDER_SETTING, folder).dataset.folder or "none"
    _keep(overrides)
    chosen = chosen_profile()
    asked = dict.fromkeys((*chosen.extra_variants, *(name for name in only if name in ON_REQUEST)))
    if len(asked) > len(chosen.extra_variants):
        _keep({**overrides, "extra_variants": ",".join(asked)})
        chosen = chosen_profile()
    follow_move(data_folder() / "mlflow")
    return chosen, Paths(data_folder(), chosen.name)


def _keep(overrides: Mapping[str, str]) -> None:
    if overrides:
        os.environ[OVERRIDES_VARIABLE] = json.dumps(overrides)


def advised(command: str, profile: Profile, *words: str, settings: Mapping[str, str] | None = None) -> str:
    """A command that a message advises, as one types it into a shell, with the options that were given to this one.

    Without these options it would look for products, dataset and histories elsewhere.

    words: the command's own options. settings: settings that it changes as well.
    """
    options = []
    if data := os.environ.get(DATA_VARIABLE):
        options += ["--data", data]
    if dataset := os.environ.get(DATASET_VARIABLE):
        options += ["--dataset", dataset]
    changed = json.loads(os.environ.get(OVERRIDES_VARIABLE) or "{}") | dict(settings or {})
    for key, value in changed.items():
        options += ["--set", f"{key}={value}"]
    return shlex.join(["sepbench", command, "-p", profile.name, *words, *options])
