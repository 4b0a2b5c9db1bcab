"""Modules of a person's own, outside the project: in the folder of a file that the person names."""

import ast
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from sepmodels.errors import UserError, unknown_name


def open_folder(folder: Path) -> None:
    """Let modules of that folder be imported by their names, wherever no other module has the name."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def outside_module(name: str) -> ModuleType:
    """The module of that name; raises :class:`UserError` where it cannot be imported."""
    try:
        return importlib.import_module(name)
    except Exception as fault:
        raise UserError(
            f"The module {name!r} cannot be imported ({type(fault).__name__}: {fault}): mend it"
            f"{in_place(fault, _home(name))}."
        ) from fault


def outside_function(text: str) -> Callable[..., Any]:
    """The function that ``module:function`` names; raises :class:`UserError` where there is none."""
    module_name, _, name = text.partition(":")
    module = outside_module(module_name)
    found: Callable[..., Any] | None = getattr(module, name, None)
    if found is None:
        raise unknown_name(f"function in the module {module_name!r} called", name, _public(module))
    return found


def in_place(fault: BaseException | None, folder: Path | None) -> str:
    """The last line of a folder's files that a fault came through, as `` in FILE:LINE``; empty where it is none."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(fault.__traceback__ if fault else None)]
    if isinstance(fault, SyntaxError) and fault.filename:
        places.append((fault.filename, fault.lineno))
    own = [f" in {file}:{line}" for file, line in places if folder and Path(file).is_relative_to(folder)]
    return own[-1] if own else ""


def require_parts(module: ModuleType, *names: str) -> None:
    """Raise :class:`UserError` unless the module has all of these names."""
    if lacking := [name for name in names if not hasattr(module, name)]:
        raise UserError(
            f"{module.__file__} has no {lacking[0]}: an architecture is a module with {' and '.join(names)}."
        )


def require_own(files: Iterable[Path]) -> None:
    """Raise :class:`UserError` unless each file is what an import of its name gives."""
    for file in files:
        found = _origin(file.stem)
        if found != str(file):
            raise UserError(
                f"{file} cannot be imported, because {found or 'another module'} has the name {file.stem!r} too: "
                "rename it."
            )


def with_imports(file: Path) -> list[Path]:
    """A file, and the files of its own folder that it imports, directly or through others."""
    found: list[Path] = []
    waiting = [file]
    while waiting:
        one = waiting.pop()
        if one in found or not one.is_file():
            continue
        found.append(one)
        try:
            tree = ast.parse(one.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            waiting += [file.parent / f"{name.partition('.')[0]}.py" for name in modules]
    return sorted(found)


def _origin(name: str) -> str | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return spec.origin if spec else None


def _home(module: str) -> Path | None:
    """The folder of a module's file, or of the package that it is in."""
    origin = _origin(module.partition(".")[0])
    return Path(origin).parent if origin else None


def _public(module: ModuleType) -> list[str]:
    return [name for name in vars(module) if not name.startswith("_")]
