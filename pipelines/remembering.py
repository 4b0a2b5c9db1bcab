"""Settings that hold until they are changed: they stand in the profile's file in the data folder."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from assets.other_test_sets import made_on
from assets.paths import Paths
from pipelines.dataset_look import require_dataset
from pipelines.options import drop_options, name_and_value
from pipelines.profiles import PROFILES, complete
from pipelines.setting_values import FOLDER_SETTING, TEST_SETS, changes, check_together, override, shown, value_of
from pipelines.settings_file import change_settings, read_settings
from sepmodels.dataset.other_test_sets import other_test_sets, require_tracks
from sepmodels.files import bytes_below
from sepmodels.settings import Profile


def remember(
    profile: Profile,
    paths: Paths,
    console: Console,
    settings: Iterable[str] = (),
    dataset: Path | None = None,
    only: Iterable[str] = (),
    also: Iterable[str] = (),
) -> None:
    """Write what a command's options set into the file, and say which settings of the file are in force.

    To be called once it is certain that the command begins. profile: with all options, checked.
    settings, dataset, also: the options ``--set``, ``--dataset`` and ``--also``. only: the variants of ``--only`` and
    ``--with``, some of which the suite may lack.

    Raises :class:`UserError` for a dataset that no run could begin with, and for a test set that has no tracks or
    faults; then the file stays as it was.
    """
    names = [name_and_value(setting)[0] for setting in settings]
    names += [FOLDER_SETTING] if dataset else []
    names += [TEST_SETS] if also else []
    names += ["extra_variants"] if set(only) & set(profile.extra_variants) else []
    names += ["extra_systems"] if set(only) & set(profile.extra_systems) else []
    if FOLDER_SETTING in names and profile.dataset.folder:
        require_dataset(profile, paths)
    if TEST_SETS in names:
        _require_test_sets(profile)
    wanted = dict(profile.changed_settings)
    _change(profile, paths, {name: wanted.get(name) for name in names})
    drop_options(names)
    say_in_force(profile, paths, console)


def say_in_force(profile: Profile, paths: Paths, console: Console) -> bool:
    """Print a line with the settings of the file that are in force, if any; gives whether there are."""
    own = PROFILES[profile.name]
    asked = dict(profile.changed_settings)
    found = {name: text for name, text in _in_file(profile, paths).items() if asked.get(name) == text}
    if found:
        words = "; ".join(f"{name} {_both(name, own, text)}" for name, text in found.items())
        console.print(f"Settings of {paths.settings_file}: {escape(words)}.", highlight=False, soft_wrap=True)
    return bool(found)


def set_settings(profile: Profile, paths: Paths, settings: Iterable[str]) -> None:
    """Set each NAME=VALUE in the file; raises :class:`UserError`, and changes nothing, if one cannot be."""
    own = PROFILES[profile.name]
    changed = read_settings(paths.settings_file, own)
    asked = dict(map(name_and_value, settings))
    for name, text in asked.items():
        changed = override(changed, name, text, own)
    check_together(changed)
    if FOLDER_SETTING in asked and changed.dataset.folder:
        require_dataset(complete(changed, own, paths.data), paths)
    if TEST_SETS in asked:
        _require_test_sets(changed)
    wanted = changes(changed, own)
    _change(profile, paths, {name: wanted.get(name) for name in asked})


def unset_settings(profile: Profile, paths: Paths, names: Iterable[str]) -> None:
    """Take settings out of the file, so that they have the profile's own values again."""
    set_settings(profile, paths, [f"{name}=default" for name in names])


def say_left_behind(profile: Profile, paths: Paths, console: Console) -> None:
    """Print a sentence on each test set that is named no more and whose products still take room."""
    named = {one.name for one in other_test_sets(profile)}
    for one in made_on(paths):
        if one.test_set not in named:
            console.print(
                f"What was made on {one.test_set} is still there, {bytes_below(one.place) / 1e6:,.0f} MB: you may "
                f"delete the folder {escape(str(one.place))}.",
                highlight=False,
                soft_wrap=True,
            )


def reset_settings(paths: Paths) -> None:
    """Remove the file, even one that cannot be read."""
    paths.settings_file.unlink(missing_ok=True)


def _change(profile: Profile, paths: Paths, wanted: Mapping[str, str | None]) -> None:
    """Write what the file has not got already."""
    there = _in_file(profile, paths)
    new = {name: text for name, text in wanted.items() if there.get(name) != text}
    if new:
        change_settings(paths.settings_file, PROFILES[profile.name], new)


def _in_file(profile: Profile, paths: Paths) -> dict[str, str]:
    own = PROFILES[profile.name]
    return changes(read_settings(paths.settings_file, own), own)


def _both(name: str, own: Profile, text: str) -> str:
    return f"{shown(value_of(override(own, name, text), name))} (profile: {shown(value_of(own, name))})"


def _require_test_sets(profile: Profile) -> None:
    for one in other_test_sets(profile):
        require_tracks(one)
