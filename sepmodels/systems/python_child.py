"""Runs a person's function in a process of its own; a script, which knows nothing of this project.

Each line of its input names a folder. There it reads ``mixture.npy`` and writes ``vocals.npy``, whole or not at all.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np


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
    """Separate what is asked for, until there is nothing more."""
    module, function, sample_rate_hz = sys.argv[1:]
    separate = find(module, function)
    for line in sys.stdin:
        folder = Path(line.rstrip("\n"))
        vocals = separate(np.load(folder / "mixture.npy"), int(sample_rate_hz))
        vocals = vocals.detach().cpu().numpy() if hasattr(vocals, "detach") else np.asarray(vocals)
        with (folder / "half.npy").open("wb") as file:
            np.save(file, vocals.astype(np.float32), allow_pickle=False)
        (folder / "half.npy").rename(folder / "vocals.npy")


if __name__ == "__main__":
    main()
