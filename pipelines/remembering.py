"""Settings that hold until they are changed: they stand in the profile's file in the data folder."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from assets.other_test_sets import made_on
from assets.paths import Paths
from pipelines.dataset_look import require_dataset
from pipelines.options import drop_options, name_and_value, way_back
from pipelines.profiles import PROFILES, complete, given_settings
from pipelines.setting_values import DEFAULT_WORD, FOLDER_SETTING, TEST_SETS, changes, override, shown, value_of
from pipelines.settings_file import change_settings, read_settings
from sepmodels.dataset.other_test_sets import other_test_sets, read_test_set, require_tracks, separate_texts
from sepmodels.dataset.splits import SPLITS
from sepmodels.errors import UserError
from sepmodels.files import bytes_below
from sepmodels.settings import Profile

_MUSIC = ("dataset", "tracks", "stems")  # the steps that read the files of a dataset or of a test set
_OWN_MUSIC = {"dataset", "tracks", *(f"stems/{split}" for split in SPLITS)}


def remember(
    profile: Profile,
    paths: Paths,
    console: Console,
    settings: Iterable[str] = (),
    dataset: Path | None = None,
    only: Iterable[str] = (),
    also: Iterable[str] = (),
) -> dict[str, str | None]:
    """Write what a command's options set into the file, and say which settings of the file are in force.

    To be called once it is certain that the command begins. profile: with all options, checked.
    settings, dataset, also: the options ``--set``, ``--dataset`` and ``--also``. only: the variants of ``--only`` and
    ``--with``, some of which the suite may lack.

    Gives what the file had of these settings before, as text, and None for what it had not.

    Raises :class:`UserError` for a dataset that no run could begin with, and for a test set that has no tracks or
    faults; then the file stays as it was.
    """
    names = [name_and_value(setting)[0] for setting in settings]
    names += [FOLDER_SETTING] if dataset else []
    names += [TEST_SETS] if also else []
    names += ["extra_variants"] if set(only) & set(profile.extra_variants) else []
    names += ["extra_systems"] if set(only) & set(profile.extra_systems) else []
    if any(map(_is_of_dataset, names)):
        require_dataset(profile, paths)
    if TEST_SETS in names:
        _require_test_sets(profile)
    wanted, there = dict(profile.changed_settings), _last_in_file(profile, paths) or {}
    _change(profile, paths, {name: wanted.get(name) for name in names})
    drop_options(names)
    say_in_force(profile, paths, console)
    return {name: there.get(name) for name in names}


def take_back(
    profile: Profile, paths: Paths, console: Console, before: Mapping[str, str | None], failed: Collection[str]
) -> None:
    """Let the file have what it had before of music that a run then could not use, and say so.

    That shows in the run alone: files have no sound, say, or the songs are those that the models learnt from.

    before: of the settings that the run's options named, what the file had. failed: the assets that failed.
    """
    back, asked = {}, dict(profile.changed_settings)
    if _OWN_MUSIC & set(failed):
        back = {name: text for name, text in before.items() if _is_of_dataset(name) and text != asked.get(name)}
    if TEST_SETS in before:
        old = {read_test_set(text).name: text for text in separate_texts(before[TEST_SETS] or "")}
        sets = {one.name: one.text for one in other_test_sets(profile)}
        unused = [name for name in sets if {f"{step}/{name}" for step in _MUSIC} & set(failed)]
        left = sets | {name: old.get(name, "") for name in unused}
        if left != sets:
            back[TEST_SETS] = ",".join(filter(None, left.values())) or None
    if not back:
        return
    change_settings(paths.settings_file, PROFILES[profile.name], back)
    console.print(
        f"Not kept in {paths.settings_file}, because this run could not use it: {', '.join(back)}. Give it again when "
        "that is mended.",
        highlight=False,
        soft_wrap=True,
    )


def say_in_force(profile: Profile, paths: Paths, console: Console) -> bool:
    """Print a line with the settings of the file that are in force, if any, and how to take one back.

    Gives whether there are any.
    """
    own = PROFILES[profile.name]
    asked = dict(profile.changed_settings)
    in_file = _in_file(profile, paths, but=given_settings())
    found = {name: text for name, text in in_file.items() if asked.get(name) == text}
    if found:
        words = "; ".join(f"{name} {_both(name, own, text)}" for name, text in found.items())
        console.print(
            f"Settings of {paths.settings_file}: {escape(words)}. `{way_back(profile, next(iter(found)))}` takes one "
            "back.",
            highlight=False,
            soft_wrap=True,
        )
    return bool(found)


def set_settings(paths: Paths, settings: Iterable[str]) -> None:
    """Set each NAME=VALUE in the file; raises :class:`UserError`, and changes nothing, if one cannot be."""
    from assets.making.dataset import dataset_folder  # loads pandas

    own = PROFILES[paths.profile]
    asked = dict(map(name_and_value, settings))
    changed = read_settings(paths.settings_file, own, but=asked)
    for name, text in asked.items():
        changed = override(changed, name, text, own)
    changed = complete(changed, own, paths.data, paths.settings_file)
    given = [name for name, text in asked.items() if text.lower() != DEFAULT_WORD]  # the way back is always open
    if FOLDER_SETTING in given or (any(map(_is_of_dataset, given)) and dataset_folder(changed, paths).is_dir()):
        require_dataset(changed, paths)
    if TEST_SETS in given:
        _require_test_sets(changed)
    wanted = dict(changed.changed_settings)
    _change(changed, paths, {name: wanted.get(name) for name in asked})


def unset_settings(paths: Paths, names: Iterable[str]) -> None:
    """Take settings out of the file, so that they have the profile's own values again."""
    set_settings(paths, [f"{name}=default" for name in names])


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
    there = _last_in_file(profile, paths)
    new = {name: text for name, text in wanted.items() if there is None or there.get(name) != text}
    if new:
        change_settings(paths.settings_file, PROFILES[profile.name], new)


def _in_file(profile: Profile, paths: Paths, but: Collection[str] = ()) -> dict[str, str]:
    own = PROFILES[profile.name]
    return changes(read_settings(paths.settings_file, own, but), own)


def _last_in_file(profile: Profile, paths: Paths) -> dict[str, str] | None:
    """The same, but None where a value in the file cannot be: one of those that are about to be replaced."""
    try:
        return _in_file(profile, paths)
    except UserError:
        return None


def _is_of_dataset(name: str) -> bool:
    """Whether a setting says which music is read, or what of it."""
    return name == "target" or name.startswith("dataset.")


def _both(name: str, own: Profile, text: str) -> str:
    return f"{shown(value_of(override(own, name, text), name))} (profile: {shown(value_of(own, name))})"


def _require_test_sets(profile: Profile) -> None:
    for one in other_test_sets(profile):
        require_tracks(one)
