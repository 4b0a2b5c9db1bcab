"""The profiles: which benchmark to run. Chosen by ``SEPBENCH_PROFILE`` or ``--profile``; settings can be changed."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from assets.paths import Paths, data_folder
from assets.runtime.gpus import auto_precision
from pipelines.setting_values import DEFAULT_WORD, FOLDER_SETTING, changes, check_together, override, setting_names
from pipelines.settings_file import read_settings, with_file
from sepmodels.dataset.mapping import with_mapping
from sepmodels.errors import UserError, unknown_name
from sepmodels.settings import DatasetSettings, Profile, TrainingSettings
from sepmodels.systems import SYSTEMS_ON_REQUEST

DEFAULT = "demo"

_FOR_CLAIMS = ("time_domain_22khz",)
_SHORT = TrainingSettings(batch=4, chunk_seconds=3.0, threads=1)

_ALL = (
    Profile(
        name="demo",
        summary="Fourteen short songs made here, offline: the whole benchmark in minutes on a laptop.",
        dataset=DatasetSettings("demo", validation_share=0.25),
        training=replace(_SHORT, chunks_per_track=20, steps=200),
    ),
    Profile(
        name="musdb18-7s",
        summary="The public preview of MUSDB18: 144 clips of seven seconds of real music.",
        dataset=DatasetSettings("stems", archive="musdb18-7s"),
        training=replace(_SHORT, chunks_per_track=4, steps=2000),
        extra_variants=_FOR_CLAIMS,
        extra_systems=tuple(SYSTEMS_ON_REQUEST),
    ),
    Profile(
        name="musdb18",
        summary="MUSDB18 in full: 150 songs, ten hours, as compressed five-stream files. Wants a GPU.",
        dataset=DatasetSettings("stems", archive="musdb18"),
        extra_variants=_FOR_CLAIMS,
        extra_systems=tuple(SYSTEMS_ON_REQUEST),
    ),
    Profile(
        name="musdb18hq",
        summary="MUSDB18-HQ: the same 150 songs as uncompressed WAV files. Wants a GPU.",
        dataset=DatasetSettings("wav", archive="musdb18hq"),
        extra_variants=_FOR_CLAIMS,
        extra_systems=tuple(SYSTEMS_ON_REQUEST),
    ),
    Profile(
        name="folder",
        summary="Your own stems: a folder per track with vocals and any other stems.",
        dataset=DatasetSettings("folder"),
        scoring_rate="files",
        training=replace(_SHORT, chunks_per_track=20, steps=2000),
    ),
    Profile(
        name="karaoke",
        summary="Your own two-channel karaoke, as MIR-1K: the voice on the right channel, accompaniment on the left.",
        dataset=DatasetSettings("folder", voice_channel="right"),
        scoring_rate="files",
        training=replace(_SHORT, chunks_per_track=4, steps=2000),
    ),
)
PROFILES: dict[str, Profile] = {profile.name: profile for profile in _ALL}

PROFILE_VARIABLE = "SEPBENCH_PROFILE"
DATASET_VARIABLE = "SEPBENCH_DATASET"
OVERRIDES_VARIABLE = "SEPBENCH_OVERRIDES"


def chosen_profile(environment: Mapping[str, str] = os.environ) -> Profile:
    """The profile that the environment names, with what a person has changed of it, and a definite precision.

    Later ones win: the profile's own settings, those of its file in the data folder, and those of the environment.

    Raises :class:`UserError` for an unknown profile, and for settings that cannot be, each or together.
    """
    own = own_profile(environment)
    given, file = given_settings(environment), Paths(data_folder(), own.name).settings_file
    profile = read_settings(file, own, but=given)
    for name, text in given.items():
        profile = override(profile, name, text, own)
    return complete(profile, own, data_folder(), file)


def given_settings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The settings of the environment, as text, by name: those take the place of the file's."""
    folder = environment.get(DATASET_VARIABLE, "").strip()
    overrides: dict[str, str] = json.loads(environment.get(OVERRIDES_VARIABLE) or "{}")
    return ({FOLDER_SETTING: folder} if folder else {}) | overrides


def kept_profile(name: str, data: Path) -> Profile:
    """A profile with what its file in a data folder changes of it, whatever the environment says."""
    own, file = own_profile({PROFILE_VARIABLE: name}), Paths(data, name).settings_file
    return complete(read_settings(file, own), own, data, file)


def own_profile(environment: Mapping[str, str] = os.environ) -> Profile:
    """The profile that the environment names, as it is without anybody's changes."""
    name = environment.get(PROFILE_VARIABLE) or DEFAULT
    if name not in PROFILES:
        raise unknown_name("profile", name, PROFILES)
    return PROFILES[name]


def complete(profile: Profile, own: Profile, data: Path | None = None, file: Path | None = None) -> Profile:
    """The profile once all is set: it knows what was changed, which precision it has, and its dataset's mapping file.

    own: as it is without changes. data: the data folder, where the dataset may be. file: with settings.

    Raises :class:`UserError` for settings that cannot be together; it names the file where those in it are at fault.
    """
    try:
        check_together(profile)
    except UserError as error:
        raise (with_file(error, file, own) if file else error) from None
    known = with_precision(replace(profile, changed_settings=tuple(changes(profile, own).items())))
    folder = known.dataset.folder or (Paths(data, known.name).dataset if data else None)
    return replace(known, dataset=with_mapping(known.dataset, Path(folder))) if folder else known


def fix_settings(profile: Profile) -> None:
    """Let the processes that this one starts have these settings, whatever becomes of the file meanwhile.

    One run is made with one set of settings; a change of the file is for the next.
    """
    os.environ.pop(DATASET_VARIABLE, None)
    changed = dict(profile.changed_settings)
    os.environ[OVERRIDES_VARIABLE] = json.dumps({name: changed.get(name, DEFAULT_WORD) for name in setting_names()})


def with_precision(profile: Profile) -> Profile:
    """The profile with the precision that trainings have here, where it says "auto".

    So that it counts in what a training is made from: float32 on a CPU and bfloat16 on a GPU are two trainings, and
    "auto" on a CPU is what "32" is.
    """
    if profile.training.precision != "auto":
        return profile
    return replace(profile, training=replace(profile.training, precision=auto_precision(profile.device)))
