"""Options that several commands share. Environment variables carry them to every process of a command.

Settings that are to hold longer go into a file (:mod:`pipelines.remembering`).
"""

import json
import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from assets.paths import DATA_VARIABLE, Paths, data_folder, folder_named_by
from assets.runtime.cluster import EXECUTOR_VARIABLE, cluster_settings
from assets.tracking.moving import follow_move
from pipelines.ports import pass_by_proxies
from pipelines.profiles import (
    DATASET_VARIABLE,
    OVERRIDES_VARIABLE,
    PROFILE_VARIABLE,
    PROFILES,
    chosen_profile,
    own_profile,
)
from pipelines.setting_values import FOLDER_SETTING, TEST_SETS, override
from sepmodels.cluster.settings import EXECUTORS
from sepmodels.dataset.other_test_sets import other_test_sets, read_test_set, require_tracks, with_place
from sepmodels.errors import UserError, unknown_name
from sepmodels.settings import Profile
from sepmodels.systems import SYSTEMS_ON_REQUEST, known_systems, read_systems
from sepmodels.systems.added import Added
from sepmodels.systems.variants import VARIANTS, variants_of

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
AlsoOption = Annotated[
    list[str] | None,
    typer.Option(
        "--also",
        metavar="NAME=DIR",
        help="Score on this test set, too: other music. Of two-channel karaoke: NAME=DIR:voice=right. Write it again "
        "for one more.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Change a setting, such as training.batch=8, seeds=42,43 or device=cpu. Write it again for one more. "
        "NAME=default takes a change back. `sepbench settings` lists them all.",
    ),
]

ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="NAME",
        help=f"Where trainings, separations and scores are made: {', '.join(EXECUTORS)} (docs/cluster.md). "
        "[default: as data/cluster.toml says, or local]",
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
    besides: Iterable[str] = (),
    also: Iterable[str] = (),
) -> tuple[Profile, Paths]:
    """Put the options into the environment, where this process and its children find them.

    Folders become absolute paths, because the children work in other folders.

    only, besides: the variants to make alone, or beside the others; those that the suite lacks are asked for.
    also: test sets beside the profile's own, and beside those that the settings name.
    """
    paths = named_paths(profile, data)
    if dataset:
        os.environ[DATASET_VARIABLE] = str(dataset)
    for variable in FOLDER_VARIABLES:
        folder_named_by(variable)
    pass_by_proxies()
    overrides = _overrides() | dict(map(name_and_value, settings))
    if folder := overrides.get(FOLDER_SETTING):
        overrides[FOLDER_SETTING] = override(own_profile(), FOLDER_SETTING, folder).dataset.folder or "none"
    _keep(overrides)
    chosen = chosen_profile()
    if sets := _with_test_sets(chosen, also):
        overrides[TEST_SETS] = sets
        _keep(overrides)
        chosen = chosen_profile()
    if more := _asked_for(chosen, paths, (*only, *besides)):
        _keep({**overrides, **more})
        chosen = chosen_profile()
    follow_move(data_folder() / "mlflow")
    return chosen, replace(paths, target=chosen.target)


def use_executor(name: str | None, paths: Paths) -> None:
    """Put the executor into the environment; raises :class:`UserError` for one, or a file, that cannot be."""
    if name is not None:
        os.environ[EXECUTOR_VARIABLE] = name
    cluster_settings(paths.data)


def _with_test_sets(profile: Profile, also: Iterable[str]) -> str:
    """The setting that names these test sets beside the profile's; one of the same name takes that one's place.

    Raises :class:`UserError` for one that has no tracks, or faults.
    """
    asked = {read_test_set(text).name: with_place(text, Path.cwd()) for text in also}
    for text in asked.values():
        require_tracks(read_test_set(text))
    return ",".join(({one.name: one.text for one in other_test_sets(profile)} | asked).values()) if asked else ""


def _asked_for(profile: Profile, paths: Paths, names: Iterable[str]) -> dict[str, str]:
    """The settings that ask for what is named and that the profile does not make anyway.

    Raises :class:`UserError` for a name that no system has.
    """
    made = {"extra_variants": variants_of(profile), "extra_systems": profile.extra_systems}
    found: dict[str, str] = {}
    for setting, choices in (("extra_variants", VARIANTS), ("extra_systems", SYSTEMS_ON_REQUEST)):
        asked = [name for name in names if name in choices and name not in made[setting]]
        if asked:
            found[setting] = ",".join(dict.fromkeys((*getattr(profile, setting), *asked)))
    choices = {**VARIANTS, **SYSTEMS_ON_REQUEST, **read_systems(paths.systems, known_systems())}
    if unknown := [name for name in names if name not in choices]:
        raise unknown_name("variant", unknown[0], choices, "sepbench variants")
    if other := [one for name in names if isinstance(one := choices[name], Added) and one.target != profile.target]:
        raise UserError(
            f"{other[0].name} separates {other[0].target}, and {profile.name} separates {profile.target}: leave it "
            f"out, or run with --set target={other[0].target}."
        )
    return found


def named_paths(profile: str | None, data: Path | None) -> Paths:
    """Put these two options into the environment; gives the paths of that profile. Reads no settings."""
    if profile:
        os.environ[PROFILE_VARIABLE] = profile
    if data:
        os.environ[DATA_VARIABLE] = str(data)
    return Paths(data_folder(), own_profile().name)


def name_and_value(setting: str) -> tuple[str, str]:
    """The two parts of NAME=VALUE; raises :class:`UserError` where one is not there."""
    name, equals, value = setting.partition("=")
    if not equals:
        raise UserError(f"The setting {setting!r} has no value: write NAME=VALUE, such as training.batch=8.")
    return name.strip(), value.strip()


def drop_options(names: Iterable[str]) -> None:
    """Take these settings out of the environment, because the settings' file has them now."""
    left = {name: value for name, value in _overrides().items() if name not in names}
    os.environ[OVERRIDES_VARIABLE] = json.dumps(left)
    if FOLDER_SETTING in names:
        os.environ.pop(DATASET_VARIABLE, None)


def _overrides() -> dict[str, str]:
    return json.loads(os.environ.get(OVERRIDES_VARIABLE) or "{}")


def _keep(overrides: Mapping[str, str]) -> None:
    if overrides:
        os.environ[OVERRIDES_VARIABLE] = json.dumps(overrides)


def advised(command: str, profile: Profile, *words: str, settings: Mapping[str, str] | None = None) -> str:
    """A command that a message advises, as one types it into a shell, with the options that were given to this one.

    Without these options it would look for products, dataset and histories elsewhere.

    words: the command's own options. settings: settings that it changes as well.
    """
    options = _data_option()
    if dataset := os.environ.get(DATASET_VARIABLE):
        options += ["--dataset", dataset]
    for key, value in (_overrides() | dict(settings or {})).items():
        options += ["--set", f"{key}={value}"]
    return shlex.join(["sepbench", command, "-p", profile.name, *words, *options])


def way_back(profile: Profile, name: str) -> str:
    """The command that gives a setting the profile's own value again, as one types it into a shell."""
    return shlex.join(["sepbench", "settings", "unset", name, "-p", profile.name, *_data_option()])


def _data_option() -> list[str]:
    data = os.environ.get(DATA_VARIABLE)
    return ["--data", data] if data else []
