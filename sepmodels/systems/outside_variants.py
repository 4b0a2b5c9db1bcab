"""Variants of a person's own: a file or a package outside the project that has ``VARIANTS``, and modules with it."""

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import sepmodels
from sepmodels.errors import UserError, unknown_name
from sepmodels.systems.added import PLACE_ONLY
from sepmodels.systems.outside_code import in_place, open_folder, outside_module, require_own, with_imports
from sepmodels.systems.variants import Variant, by_name

ENTRY_POINTS = "sepbench.variants"  # the group in which an installed package offers its variants
OUTSIDE = "outside"  # the architecture that a module outside the project stands behind
_OURS = Path(sepmodels.__file__).parent / "models" / "architectures"
_loaded: dict[Path, tuple[bytes, ModuleType]] = {}


@dataclass(frozen=True)
class OutsideVariant(Variant):
    """A variant from outside the project.

    variants: the file that has it. In its folder lie the modules that ``architecture`` and ``loss`` name.
    module: the dotted name of that file, where it belongs to an installed package, which then has those modules.
    """

    variants: Path = field(default=Path(), metadata=PLACE_ONLY)
    module: str = field(default="", metadata=PLACE_ONLY)

    @property
    def home(self) -> Path:
        """The folder of its modules; of a package its ``__init__.py``, of a module alone its file."""
        return _file_of(self.module.partition(".")[0]) if self.module else self.variants.parent

    @property
    def functions(self) -> tuple[str, ...]:
        """The configuration and the model of its architecture, and of the module behind it."""
        module = self.settings["module"] if self.architecture == OUTSIDE else None
        own = (f"{module}:Config", f"{module}:Model") if module else ()
        return (*super().functions, *own)

    @property
    def code(self) -> tuple[Path, ...]:
        """The files, or the package, that a model of it needs where this project is not installed."""
        if self.architecture != OUTSIDE:
            return ()
        if self.module:
            return (self.home.parent if self.home.name == "__init__.py" else self.home,)
        folder = self.variants.parent
        top = folder / str(self.settings["module"]).partition(".")[0]
        if top.is_dir():
            return (top,)
        # a package is needed whole
        return tuple(
            sorted({folder / one.relative_to(folder).parts[0] for one in with_imports(top.with_suffix(".py"))})
        )

    @property
    def needs(self) -> tuple[str, ...]:
        """It is made from no other system."""
        return ()


def read_variants(source: str) -> dict[str, OutsideVariant]:
    """The variants of a file or a module, by name. It is run, as an import runs it.

    source: the path of a file, the dotted name of an installed module, or the name of an entry point of
    :data:`ENTRY_POINTS`, which leads to a module.

    Raises :class:`UserError` for what is not there, fails, or has no ``VARIANTS``, and for modules beside a file whose
    names others have.
    """
    name = "" if source.endswith(".py") else _module_name(source)
    file = _file_of(name) if name else Path(source)
    if not file.is_file():
        raise UserError(f"There is no file {file}: name a Python file that has VARIANTS = [Variant(...)].")
    if not name:
        open_folder(file.parent)
    listed = getattr(_installed(name, file) if name else _module(file), "VARIANTS", None)
    found = list(listed.values()) if isinstance(listed, Mapping) else listed
    if not isinstance(found, list | tuple) or not found or not all(isinstance(one, Variant) for one in found):
        raise UserError(f"{file} has no list of variants: expected VARIANTS = [Variant(...)].")
    return {key: _outside(variant, file, name) for key, variant in by_name(found).items()}


def find_outside_variant(source: str, name: str) -> OutsideVariant:
    """The variant of that name there; raises :class:`UserError` as :func:`read_variants`, and where there is none."""
    found = read_variants(source)
    if name not in found:
        raise unknown_name(f"variant in {source} called", name, found)
    return found[name]


def _module_name(source: str) -> str:
    """The dotted name of a module, or of the one that an entry point of that name leads to."""
    offered = {one.name: one.module for one in metadata.entry_points(group=ENTRY_POINTS)}
    return offered.get(source, source)


def _file_of(module: str) -> Path:
    """The file of an installed module; raises UserError where there is none."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not (spec.origin or "").endswith(".py"):
        offered = sorted(one.name for one in metadata.entry_points(group=ENTRY_POINTS))
        raise UserError(
            f"There is no module {module} here: name a file (FILE.py), a module of an installed package, or an entry "
            f"point of {ENTRY_POINTS} ({', '.join(offered) or 'there is none'})."
        )
    return Path(str(spec.origin))


def _installed(name: str, file: Path) -> ModuleType:
    """The module of a package, run again once its text has changed."""
    source = file.read_bytes()
    before = _loaded.get(file)
    module = outside_module(name)
    if before and before[0] != source:
        try:
            module = importlib.reload(module)
        except Exception as fault:
            raise _unreadable(file, fault) from fault
    _loaded[file] = source, module
    return module


def _module(file: Path) -> ModuleType:
    """The file as a module of its own name, run again once its text has changed."""
    source = file.read_bytes()
    before = _loaded.get(file)
    if before and before[0] == source:
        return before[1]
    if before:
        del sys.modules[file.stem]
    require_own([file], file.parent)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        exec(compile(source, file, "exec"), vars(module))  # the text that was compared, whatever its time
    except (Exception, SystemExit) as fault:
        del sys.modules[file.stem]
        _loaded.pop(file, None)
        raise _unreadable(file, fault) from fault
    _loaded[file] = source, module
    return module


def _unreadable(file: Path, fault: BaseException) -> UserError:
    """What is said of a file that fails when it is run."""
    return UserError(
        f"{file} cannot be read ({type(fault).__name__}: {fault}): mend it{in_place(fault, file.parent)}, or remove "
        "its variants."
    )


def _outside(variant: Variant, file: Path, module: str) -> OutsideVariant:
    values: dict[str, Any] = {one.name: getattr(variant, one.name) for one in fields(Variant)}
    made = OutsideVariant(**values, variants=file, module=module)
    named = (variant.architecture, *_module_of_loss(variant))
    ours = (_OURS / f"{variant.architecture}.py").is_file()
    if module:
        _require_of_package(module, named[1:] if ours else named)
    else:
        beside = [file.parent / f"{name.partition('.')[0]}.py" for name in named]
        own = [one for start in (file, *beside) if start.is_file() for one in with_imports(start)]
        require_own(own, file.parent)
        if ours and beside[0].is_file():
            raise UserError(f"{beside[0]} has the name of an architecture of the project: rename it.")
    if ours:
        return made
    settings: Mapping[str, Any] = {"module": variant.architecture, "settings": dict(variant.settings)}
    return replace(made, architecture=OUTSIDE, settings=settings)


def _require_of_package(module: str, named: Iterable[str]) -> None:
    """Raise UserError for modules of another package: their code could not be followed."""
    top = module.partition(".")[0]
    for name in named:
        if name.partition(".")[0] != top:
            raise UserError(f"{name}, which {module} names, is no module of {top}: write {top}.{name}.")


def _module_of_loss(variant: Variant) -> tuple[str, ...]:
    module, colon, _ = variant.loss.partition(":")
    return (module,) if colon else ()
