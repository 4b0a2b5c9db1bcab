"""Adds a system to a profile, or takes one away: what it is stands in a file of its own."""

import shutil
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from rich.console import Console

from assets.other_test_sets import made_on
from assets.paths import Paths, whole_path
from pipelines.options import advised
from pipelines.systems.trying import try_system
from pipelines.terminal import printable
from sepmodels.errors import UserError, unknown_name
from sepmodels.settings import Profile
from sepmodels.systems import known_systems, read_systems, systems_of
from sepmodels.systems.added import Added
from sepmodels.systems.system import System
from sepmodels.systems.system_files import ADDED_KINDS, PACKED, check_name, names_of, read_system, write_system
from sepmodels.systems.variants import Variant

# The option that is given says which kind it is.
_TELLING = {kind.option: kind for kind in ADDED_KINDS.values()}


def add_system(profile: Profile, paths: Paths, name: str, given: Mapping[str, Any], console: Console) -> None:
    """Check the system and write its file.

    given: the fields of its class that a person gave. Raises UserError for a name that is taken, options that do not
    go together, and what the kind refuses.
    """
    known = {**known_systems(), **read_systems(paths.systems, known_systems())}
    check_name(name, known)
    system = _system(
        name, profile.target, {key: value for key, value in given.items() if value not in (None, (), [], "")}
    )
    able = [one.name for one in systems_of(profile, paths.systems) if _can_be_needed(one, system)]
    for needed in system.needs:
        if needed not in able:
            kind = "trained variant" if system.by_models else "system with estimates"
            raise unknown_name(kind, needed, able, "sepbench systems")
    system.check()
    try_system(system)
    for sentence in _matched(system, paths):
        console.print(sentence, highlight=False, soft_wrap=True, markup=False)
    file = write_system(system, paths.systems)
    console.print(
        f"Added {name} ({system.kind}) to {profile.name}: {printable(file)}.", highlight=False, soft_wrap=True
    )
    console.print(f"Next: {advised('run', profile, '--only', name)}", highlight=False, soft_wrap=True, markup=False)


def _can_be_needed(one: System, by: Added) -> bool:
    """Whether the system has what the other is made from: a model, or estimates."""
    return isinstance(one, Variant) if by.by_models else "estimates" in one.chain


def _system(name: str, target: str, given: Mapping[str, Any]) -> Added:
    """The system of the kind whose own field is given, which is to separate that target."""
    told = [field for field in _TELLING if field in given]
    options = ", ".join(f"--{field}" for field in (*_TELLING, "variants", "pack"))
    if len(told) != 1:
        which = f"{' and '.join(f'--{field}' for field in told)} were" if told else "none was"
        raise UserError(f"Say what {name} is by one of {options}: {which} given.")
    kind = _TELLING[told[0]]
    own = {one.name: one for one in fields(kind)}
    needed = [key for key, one in own.items() if one.default is MISSING and key not in ("name", "title", "summary")]
    if strange := [field for field in given if field not in own]:
        raise UserError(f"--{strange[0].replace('_', '-')} does not go with --{told[0]}: leave one of them out.")
    if lacking := [field for field in needed if field not in given]:
        raise UserError(f"--{told[0]} lacks --{lacking[0].replace('_', '-')}: give both.")
    return kind(**{"name": name, "title": name, "summary": "", "target": target, **given})


def _matched(system: Added, paths: Paths) -> list[str]:
    """What can be said already of how it fits the test tracks, where these are known."""
    from sepmodels.dataset.stem_cache import cached_names

    names = cached_names(paths.stems("test")) if paths.stems("test").is_dir() else []
    return system.match(names) if names else []


def read_names(file: Path | None) -> tuple[str, ...]:
    """The lines of a text file; none without a file. Raises UserError for a file that cannot be read."""
    if file is None:
        return ()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise UserError(
            f"{file} cannot be read ({fault}): name a text file with a track's name in each line."
        ) from None
    return tuple(line.strip() for line in lines if line.strip())


def read_numbers(text: str) -> tuple[float, ...]:
    """Numbers with commas between them; raises UserError for anything else."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UserError(
            f"--weights {text!r} cannot be: expected numbers with commas between them, such as 1,2."
        ) from None


def whole_function(text: str) -> str:
    """FILE.py:function with the file's whole path; anything else as it is.

    Raises UserError for a file without a function.
    """
    if text.endswith(".py"):
        raise UserError(f"--python {text} names no function in the file: write {text}:FUNCTION.")
    file, colon, function = text.rpartition(":")
    return f"{whole_path(file)}:{function}" if colon and file.endswith(".py") else text


def remove_system(profile: Profile, paths: Paths, name: str, console: Console) -> None:
    """Remove a system that was added, with what was made of it; what it was made from stays.

    Raises UserError for an unknown name, one that ships with the project, and one that another is made from.
    """
    added = names_of(paths.systems)
    if name in known_systems():
        raise UserError(f"{name} ships with the project and cannot be removed: added are {', '.join(added) or 'none'}.")
    if name not in added:
        if not added:
            raise UserError(f"There is no added system {name!r}: none is added to {paths.profile} in {paths.data}.")
        raise unknown_name("added system", name, added, "sepbench systems")
    for other in added:
        if name in _needs(paths.systems / f"{other}.toml"):
            raise UserError(f"{other} is made from {name}: remove {other} first.")
    (paths.systems / f"{name}.toml").unlink()
    shutil.rmtree(paths.checkpoint(name, 0).parent, ignore_errors=True)
    for file in (paths.cost(name), paths.systems / PACKED / f"{name}.parquet"):
        file.unlink(missing_ok=True)
    for place in (paths, *made_on(paths)):
        parts = (place.estimates(name, 0).parent, place.score_parts(name), place.measure_parts(name))
        for folder in (*parts, place.museval_files / name):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (place.scores(name), place.measured(name)):
            file.unlink(missing_ok=True)
    console.print(f"Removed {name} from {profile.name}.", highlight=False)
    console.print(f"Next: {advised('run', profile)}", highlight=False, soft_wrap=True, markup=False)


def _needs(file: Path) -> tuple[str, ...]:
    """What a system is made from; nothing of one that cannot be read, which may be the one to remove."""
    try:
        return read_system(file).needs
    except UserError:
        return ()
