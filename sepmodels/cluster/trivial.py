"""The part that says what its machine has."""

import platform
from pathlib import Path
from typing import Any

from sepmodels.cluster.events import Told
from sepmodels.errors import UserError
from sepmodels.machine.identity import machine_name
from sepmodels.machine.parallel import usable_cores


def look(told: Told, *, folder: str) -> dict[str, Any]:
    """The machine's name, processors and GPUs. Raises UserError where nothing can be written in the folder."""
    from sepmodels.machine.devices import cuda_devices

    try:
        (Path(folder) / "seen").touch()
    except OSError as error:
        raise UserError(f"{machine_name()} cannot write in {folder} ({error.strerror}): share that disk.") from None
    told.progress(1, 1, "look")
    return {
        "machine": machine_name(),
        "processors": usable_cores(),
        "gpus": cuda_devices(),
        "python": platform.python_version(),
    }
