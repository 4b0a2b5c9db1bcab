"""Run sepmodels where only torch and numpy are installed: on a machine that is lent for minutes, without a network.

Importing it puts this checkout on the path, and stand-ins in the place of packages that are not there. Models, batches,
losses and validation need none of them but psutil, for the free memory, which is read from Linux here. What does need
one says so when it is used, and not before.
"""

import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

PACKAGES = (
    "pandas",
    "psutil",
    "safetensors",
    "safetensors.torch",
    "scipy",
    "scipy.fft",
    "scipy.linalg",
    "scipy.signal",
    "soundfile",
    "torchaudio",
    "torchaudio.functional",
    "torchaudio.models",
)
PAGE_BYTES = 4096


class Absent(ModuleType):
    """A package that is not installed: whatever is taken from it can be named, but not called."""

    __path__: ClassVar[list[str]] = []  # whose parts are asked for too

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _absent(f"{self.__name__}.{name}")


def _absent(name: str) -> type:
    def refuse(*_: object, **__: object) -> None:
        raise ModuleNotFoundError(f"{name} is needed here, and its package is not installed.")

    return type(name.rpartition(".")[2], (Exception,), {"__new__": refuse})


def _linux_memory() -> dict[str, Callable[..., object]]:
    """What psutil says of memory, from /proc."""

    def virtual_memory() -> SimpleNamespace:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        (kibibytes,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        return SimpleNamespace(available=1024 * int(kibibytes))

    def memory_info() -> SimpleNamespace:
        _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text(encoding="ascii").split())
        return SimpleNamespace(rss=PAGE_BYTES * resident, shared=PAGE_BYTES * shared)

    return {"virtual_memory": virtual_memory, "Process": lambda: SimpleNamespace(memory_info=memory_info)}


def _is_there(name: str) -> bool:
    if name in sys.modules:
        return not isinstance(sys.modules[name], Absent)
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def prepare() -> list[str]:
    """Make sepmodels importable; gives the names of the packages that are not there."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import torch._dynamo  # noqa: F401 - it looks which packages are there, and has to see what is true

    missing = [name for name in PACKAGES if not _is_there(name)]
    for name in missing:
        sys.modules[name] = Absent(name)
        package, _, part = name.rpartition(".")
        if package in missing:
            setattr(sys.modules[package], part, sys.modules[name])
    if "psutil" in missing:
        for name, function in _linux_memory().items():
            setattr(sys.modules["psutil"], name, function)
    return missing


MISSING = prepare()
