"""Modules of a person's own, outside the project: in the folder of a file that the person names."""

import ast
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from sepmodels.errors import UserError, unknown_name

_INSTALLED = ("site-packages", "dist-packages")  # folders in which packages lie that have nothing to do with each other


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


def require_own(files: Iterable[Path], folder: Path) -> None:
    """Raise :class:`UserError` unless each module or package in the folder is what an import of its name gives."""
    for file in files:
        package = file.name == "__init__.py"
        if (file.parents[1] if package else file.parent) != folder:
            continue  # of a package, which is looked at itself
        name = file.parent.name if package else file.stem
        found = _origin(name)
        if found != str(file):
            raise UserError(
                f"{file} cannot be imported, because {found or 'another module'} has the name {name!r} too: rename it."
            )


def with_imports(file: Path, module: str = "") -> list[Path]:
    """A file, and the files beside it that it imports, directly or through others: modules, and those of packages.

    module: the file's dotted name where it is of an installed package. Beside it is then what lies beside the whole
    package; among all that is installed, the package alone.
    """
    depth = module.count(".") + (file.name == "__init__.py") if module else 0
    root = file.parents[depth]
    found: list[Path] = []
    waiting = [file, *_files_of(root, module)] if module else [file]
    alone = module.partition(".")[0] if root.name in _INSTALLED else ""
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found.append(one)
        try:
            tree = ast.parse(one.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for folder, name in _imported(tree, one, root):
            if not alone or folder != root or name.partition(".")[0] == alone:
                waiting += _files_of(folder, name)
    return sorted(found)


def _imported(tree: ast.Module, file: Path, root: Path) -> Iterator[tuple[Path, str]]:
    """What a module imports: dotted names, each with the folder that it begins in. A name may be no module's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((root, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            folder = file.parents[node.level - 1] if 0 < node.level <= len(file.parents) else root
            yield from ((folder, ".".join(filter(None, (node.module, alias.name)))) for alias in node.names)


def _files_of(folder: Path, name: str) -> Iterator[Path]:
    """The files that an import of a dotted name runs, as far as they are there; of ``*`` the package before it."""
    for part in name.split("."):
        own = folder / part / "__init__.py"
        yield from (one for one in (own, folder / f"{part}.py") if one.is_file())
        folder /= part


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
