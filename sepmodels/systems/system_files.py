"""The systems that a person adds: each a small TOML file, ``<name>.toml``, in one folder of a profile.

A file has the fields of its kind's class, and ``kind`` itself. Paths in it may be relative to the file's folder. Of a
variant it has the path of the Python file, or the name of the module, that tells the rest.
"""

import re
import tomllib
import types
from collections.abc import Collection
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from sepmodels.errors import UserError, unknown_name
from sepmodels.files import replacing
from sepmodels.systems.added import Added
from sepmodels.systems.augmented import Augmented
from sepmodels.systems.ensemble import Ensemble
from sepmodels.systems.given_audio import GivenAudio
from sepmodels.systems.given_scores import GivenScores
from sepmodels.systems.outside_variants import OutsideVariant, find_outside_variant
from sepmodels.systems.pretrained import Pretrained
from sepmodels.systems.program import Program
from sepmodels.systems.python_function import PythonFunction

ADDED_KINDS: dict[str, type[Added]] = {
    kind.kind: kind for kind in (GivenAudio, GivenScores, Program, PythonFunction, Pretrained, Ensemble, Augmented)
}
AddedSystem = Added | OutsideVariant
PACKED = "packed"  # the folder below the files, with scores that came out of packs
# Names that products of other steps have, beside which a system's own lie.
_TAKEN = frozenset({"stems", "dataset", "tracks", "statistics", "results", "claims", "report", "museval", "references"})
_WORDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", Path: "a path"}


def read_systems(folder: Path, taken: Collection[str] = ()) -> dict[str, AddedSystem]:
    """The systems of a folder by name, in the order of their names; none where there is no such folder.

    taken: names that other systems have.

    Raises :class:`UserError` for the first file that is none of a system.
    """
    found = {name: read_system(folder / f"{name}.toml") for name in names_of(folder)}
    for name in found:
        check_name(name, taken, f"rename {folder / name}.toml")
    for system in found.values():
        for needed in system.needs:
            if needed not in taken and needed not in found:
                raise unknown_name("system", needed, [*taken, *found])
    return _sources_first(found)


def names_of(folder: Path) -> list[str]:
    """The names of a folder's systems, whatever their files say."""
    return sorted(file.stem for file in folder.glob("*.toml") if not file.name.startswith("."))


def _sources_first(systems: dict[str, AddedSystem]) -> dict[str, AddedSystem]:
    """In an order in which each comes after those of them that it is made from; raises UserError for a circle."""
    done: dict[str, AddedSystem] = {}
    while left := {name: one for name, one in systems.items() if name not in done}:
        ready = {name: one for name, one in left.items() if not set(one.needs) & set(left)}
        if not ready:
            raise UserError(f"The systems {', '.join(left)} are made from each other: remove one of them.")
        done |= ready
    return done


def check_name(name: str, taken: Collection[str], advice: str = "choose another name") -> None:
    """Raise :class:`UserError` for a name that cannot be a system's, or that another has."""
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise UserError(f"A system cannot be called {name!r}: use small letters, digits and _ only ({advice}).")
    if name in taken or name in _TAKEN:
        raise UserError(f"The name {name!r} is taken: {advice}.")


def read_system(file: Path) -> AddedSystem:
    """The system that a file tells of; raises :class:`UserError` that names the file and what is wrong in it."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UserError(f"{file} is no TOML ({fault}): mend it, or remove the file.") from None
    kind = content.pop("kind", None)
    if kind == OutsideVariant.kind:
        return _variant(content, file)
    if kind not in ADDED_KINDS:
        known = ", ".join(map(repr, [*ADDED_KINDS, OutsideVariant.kind]))
        raise UserError(f"{file} has kind = {kind!r}: expected one of {known}.")
    return _system(ADDED_KINDS[kind], content, file)


def _variant(content: dict[str, Any], file: Path) -> OutsideVariant:
    if set(content) != {"variants"}:
        raise UserError(f"{file} has {', '.join(content) or 'nothing else'}: a trained system has kind and variants.")
    told = _value(content["variants"], str, f"{file}: variants", file.parent)
    return find_outside_variant(str(file.parent / told) if told.endswith(".py") else told, file.stem)


def _system(kind: type[Added], content: dict[str, Any], file: Path) -> Added:
    declared = get_type_hints(kind)
    known = {one.name: one for one in fields(kind) if one.name != "name"}
    if strange := [name for name in content if name not in known]:
        raise UserError(f"{file} has {strange[0]}, which a system of kind {kind.kind!r} has not: {_listed(known)}.")
    needed = [name for name, one in known.items() if one.default is MISSING and name not in ("title", "summary")]
    if lacking := [name for name in needed if name not in content]:
        raise UserError(f"{file} lacks {lacking[0]}, which a system of kind {kind.kind!r} needs.")
    content = {"title": file.stem, "summary": "", **content}
    values = {name: _value(value, declared[name], f"{file}: {name}", file.parent) for name, value in content.items()}
    return kind(name=file.stem, **values)


def _listed(names: Collection[str]) -> str:
    return f"expected of {', '.join(names)}"


def _value(value: Any, declared: Any, where: str, folder: Path) -> Any:
    """A value of TOML as the type that the field declares."""
    if isinstance(declared, types.UnionType):
        declared = next(one for one in get_args(declared) if one is not type(None))
    if declared is Path and isinstance(value, str):
        return folder / Path(value).expanduser()
    if declared is float and type(value) is int:
        return float(value)
    if declared in (tuple[str, ...], tuple[float, ...], tuple[Path, ...]) and isinstance(value, list):
        inner = get_args(declared)[0]
        return tuple(_value(one, inner, where, folder) for one in value)
    if isinstance(declared, type) and type(value) is declared:
        return value
    raise UserError(f"{where} = {value!r} cannot be: expected {_WORDS.get(declared, 'a list')}.")


def write_system(system: AddedSystem, folder: Path) -> Path:
    """Write a system's file; gives its path."""
    import tomlkit

    plain = {"kind": system.kind} | _written(system)
    path = folder / f"{system.name}.toml"
    with replacing(path) as temporary:
        temporary.write_text(tomlkit.dumps(plain), encoding="utf-8")
    return path


def _written(system: AddedSystem) -> dict[str, Any]:
    """The fields that were given, of TOML's types."""
    if isinstance(system, OutsideVariant):
        return {"variants": system.module or str(system.variants)}
    values = {one.name: getattr(system, one.name) for one in fields(system) if one.name != "name"}
    return {
        one.name: _plain(values[one.name])
        for one in fields(system)
        if one.name in values and values[one.name] not in (one.default, None, "")
    }


def _plain(value: Any) -> Any:
    """A value of TOML's types."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value
