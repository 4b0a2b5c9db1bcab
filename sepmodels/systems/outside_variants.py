"""Variants of a person's own: a file outside the project that has ``VARIANTS``, and modules beside it."""

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import sepmodels
from sepmodels.errors import UserError, unknown_name
from sepmodels.systems.added import PLACE_ONLY
from sepmodels.systems.outside_code import open_folder, require_own, with_imports
from sepmodels.systems.variants import Variant, by_name

OUTSIDE = "outside"  # the architecture that a module outside the project stands behind
_OURS = Path(sepmodels.__file__).parent / "models" / "architectures"
_loaded: dict[Path, tuple[bytes, ModuleType]] = {}


@dataclass(frozen=True)
class OutsideVariant(Variant):
    """A variant from a file outside the project.

    variants: that file. In its folder lie the modules that ``architecture`` and ``loss`` name.
    """

    variants: Path = field(default=Path(), metadata=PLACE_ONLY)

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
        top = self.variants.parent / str(self.settings["module"]).partition(".")[0]
        return (top,) if top.is_dir() else tuple(with_imports(top.with_suffix(".py")))

    @property
    def needs(self) -> tuple[str, ...]:
        """It is made from no other system."""
        return ()


def read_variants(file: Path) -> dict[str, OutsideVariant]:
    """The variants of a file, by name. The file is run, as an import runs it.

    Raises :class:`UserError` for a file that is not there, fails, or has no ``VARIANTS``, and for modules beside it
    whose names others have.
    """
    if not file.is_file():
        raise UserError(f"There is no file {file}: name a Python file that has VARIANTS = [Variant(...)].")
    open_folder(file.parent)
    listed = getattr(_module(file), "VARIANTS", None)
    found = list(listed.values()) if isinstance(listed, Mapping) else listed
    if not isinstance(found, list | tuple) or not found or not all(isinstance(one, Variant) for one in found):
        raise UserError(f"{file} has no list of variants: expected VARIANTS = [Variant(...)].")
    return {name: _outside(variant, file) for name, variant in by_name(found).items()}


def find_outside_variant(file: Path, name: str) -> OutsideVariant:
    """The variant of that name in a file; raises :class:`UserError` as :func:`read_variants`, and where it has none."""
    found = read_variants(file)
    if name not in found:
        raise unknown_name(f"variant in {file} called", name, found)
    return found[name]


def _module(file: Path) -> ModuleType:
    """The file as a module of its own name, run again once its text has changed."""
    source = file.read_bytes()
    before = _loaded.get(file)
    if before and before[0] == source:
        return before[1]
    if before:
        del sys.modules[file.stem]
    require_own([file])
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
        raise UserError(
            f"{file} cannot be read ({type(fault).__name__}: {fault}): mend it, or remove its variants."
        ) from fault
    _loaded[file] = source, module
    return module


def _outside(variant: Variant, file: Path) -> OutsideVariant:
    values: dict[str, Any] = {one.name: getattr(variant, one.name) for one in fields(Variant)}
    beside = [
        file.parent / f"{name.partition('.')[0]}.py" for name in (variant.architecture, *_module_of_loss(variant))
    ]
    require_own(one for start in (file, *beside) if start.is_file() for one in with_imports(start))
    made = OutsideVariant(**values, variants=file)
    if not (_OURS / f"{variant.architecture}.py").is_file():
        settings: Mapping[str, Any] = {"module": variant.architecture, "settings": dict(variant.settings)}
        return replace(made, architecture=OUTSIDE, settings=settings)
    if beside[0].is_file():
        raise UserError(f"{beside[0]} has the name of an architecture of the project: rename it.")
    return made


def _module_of_loss(variant: Variant) -> tuple[str, ...]:
    module, colon, _ = variant.loss.partition(":")
    return (module,) if colon else ()
