"""A GPU of its own for each step that wants one."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


def count_gpus() -> int:
    """How many CUDA devices this process may use, without the seconds that importing torch takes."""
    try:
        import pynvml

        pynvml.nvmlInit()
        count = int(pynvml.nvmlDeviceGetCount())
    except Exception:  # no package, no driver, no device: NVML has an error class for each
        return 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return count
    named = [name.strip() for name in visible.split(",")]
    return min(count, len(named[: named.index("-1")] if "-1" in named else [name for name in named if name]))


def leaves_the_choice(device: str) -> bool:
    """Whether the setting means any GPU, not a certain one."""
    return device in ("auto", "cuda")


@contextmanager
def own_device(device: str, locks: Path) -> Iterator[str]:
    """The device to use within the block: of several GPUs, one that no other step uses.

    device: as set; a certain one, and what there is only one of, is given back as it is.
    locks: a folder for lock files, which the system lets go of when a process ends, in whatever way.
    """
    gpus = count_gpus() if leaves_the_choice(device) else 0
    if gpus < 2:
        yield device
        return
    locks.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        for number in range(gpus):
            lock = held.enter_context((locks / f"gpu-{number}.lock").open("w"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield f"cuda:{number}"
            return
        yield device  # more steps than GPUs, by runs of several data folders
