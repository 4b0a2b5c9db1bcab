"""Runs a person's function in a process of its own; a script, which knows nothing of this project.

Each line of its input names a folder. There it reads ``mixture.npy`` and writes ``vocals.npy``, whole or not at all.
"""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

MOST_CHARACTERS = 200  # of what an error says: the end of all that is printed is shown


def find(module: str, function: str) -> Any:
    """The function of a file or of an installed module."""
    if module.endswith(".py"):
        sys.path[0] = str(Path(module).parent)
        spec = importlib.util.spec_from_file_location(Path(module).stem, module)
        assert spec is not None
        assert spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = found
        spec.loader.exec_module(found)
    else:
        sys.path.pop(0)
        found = importlib.import_module(module)
    return getattr(found, function)


def main() -> None:
    """Separate what is asked for, until there is nothing more; what it raises is said in a line, with its place."""
    module, function, sample_rate_hz = sys.argv[1:]
    separate: Any = None
    try:
        separate = find(module, function)
        serve(separate, int(sample_rate_hz))
    except Exception as fault:
        print(f"{type(fault).__name__}: {str(fault)[:MOST_CHARACTERS]} ({place_of(fault, module, separate)})")
        sys.exit(1)


def place_of(fault: Exception, module: str, function: Any) -> str:
    """The last line of the person's own file that the fault came through, or else where the function begins."""
    own = module if module.endswith(".py") else getattr(sys.modules.get(module), "__file__", None)
    frames = traceback.extract_tb(fault.__traceback__)
    inside = [frame for frame in frames if frame.filename == own]
    if inside:
        return f"{inside[-1].filename}, line {inside[-1].lineno}"
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}, line {code.co_firstlineno}" if code else module


def serve(separate: Any, sample_rate_hz: int) -> None:
    """Separate the mixture of each folder that a line of the input names."""
    for line in sys.stdin:
        folder = Path(line.rstrip("\n"))
        vocals = separate(np.load(folder / "mixture.npy"), sample_rate_hz)
        vocals = vocals.detach().cpu().numpy() if hasattr(vocals, "detach") else np.asarray(vocals)
        with (folder / "half.npy").open("wb") as file:
            np.save(file, vocals.astype(np.float32), allow_pickle=False)
        (folder / "half.npy").rename(folder / "vocals.npy")


if __name__ == "__main__":
    main()
