"""A GPU of its own for each step that wants one, and what the driver says of the GPUs.

Importing torch takes seconds and asking it begins to use a GPU, so most is asked of the driver's library, NVML.
"""

import importlib.util
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from assets.runtime.cluster import is_cluster_used
from sepmodels.machine.folder_lock import FolderLock, Taken
from sepmodels.machine.identity import this_host
from sepmodels.progress import Say
from sepmodels.settings import Precision, Profile

BUSY_BYTES = 2 * 10**9  # of a GPU's memory in use: more than drivers and idle desktops take
BFLOAT16_SINCE = 8  # the generation (major compute capability) of GPUs that compute with it themselves: Ampere


def gpu_generations() -> list[int]:
    """The major compute capability of each CUDA device that this process may use and torch was built for."""

    def generation(nvml: Any, handle: Any) -> int:
        return int(nvml.nvmlDeviceGetCudaComputeCapability(handle)[0])

    return _of_each_gpu(generation) if _driver_suits_torch() else []


def _of_each_gpu(ask: Callable[[Any, Any], int]) -> list[int]:
    """What NVML says of each device that this process may use; nothing where it says nothing.

    ask: is given NVML's module and the handle of a device.
    """
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]
        return _visible([ask(pynvml, handle) for handle in handles])
    except Exception:  # no package, no driver, no device, a lost one: NVML has an error class for each
        return []


def _driver_suits_torch() -> bool:
    """Whether the driver is as new as the CUDA that torch was built for."""
    built_for = torch_cuda_version()
    try:
        import pynvml

        pynvml.nvmlInit()
        return built_for is not None and pynvml.nvmlSystemGetCudaDriverVersion() // 1000 >= built_for
    except Exception:  # no package or no driver
        return False


def _visible(found: list[int]) -> list[int]:
    """Of what was found of each device that of those which CUDA_VISIBLE_DEVICES leaves, by number or by identifier."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return found
    named = [name.strip() for name in visible.split(",") if name.strip()]
    named = named[: named.index("-1")] if "-1" in named else named
    if all(name.isdigit() for name in named):
        return [found[int(name)] for name in named if int(name) < len(found)]
    return sorted(found)[: len(named)]  # which these are is not looked up: the oldest, to be safe


def gpu_bytes_in_use() -> list[int]:
    """How much memory of each device that this process may use is in use, by whomever; nothing where it is not known.

    What CUDA_VISIBLE_DEVICES names by identifiers, parts of a GPU (MIG) among them, is not looked up.
    """
    if re.search("[^0-9, -]", os.environ.get("CUDA_VISIBLE_DEVICES", "")):
        return []
    return _of_each_gpu(lambda nvml, handle: int(nvml.nvmlDeviceGetMemoryInfo(handle).used))


def count_gpus() -> int:
    """How many CUDA devices this process may use, without the seconds that importing torch takes."""
    return len(gpu_generations())


def usable_gpus() -> int:
    """The same, by torch's own account where there are several to choose from."""
    count = count_gpus()
    if count < 2:
        return count
    from sepmodels.machine.devices import cuda_devices

    return min(count, cuda_devices())


def require_device(profile: Profile, data: Path) -> None:
    """Raise :class:`UserError` where this machine has not the GPUs that the profile's trainings want.

    A cluster has machines of its own, so nothing is asked then. torch is imported only where NVML tells of too few,
    for its own account and its sentence.

    data: the data folder, whose settings say whether a cluster is used.
    """
    device, wanted, found = profile.device, profile.training.processes, count_gpus()
    first = int(device.partition(":")[2] or 0)
    is_on_cpu = device == "cpu" or (device == "auto" and not found)
    if is_on_cpu or first + wanted <= found or is_cluster_used(data):
        return
    from sepmodels.machine.devices import choose_device

    choose_device(device, wanted)


@lru_cache
def torch_cuda_version() -> int | None:
    """The major version of CUDA that torch was built for, read from its files; None for a build without."""
    found = importlib.util.find_spec("torch")
    try:
        text = Path(found.origin).with_name("version.py").read_text(encoding="utf-8") if found else ""
    except OSError:
        return None
    built = re.search(r"^cuda\b[^=]*=\s*['\"](\d+)", text, re.MULTILINE)
    return int(built[1]) if built else None


def auto_precision(device: str) -> Precision:
    """What the precision "auto" means on a device, as set: "32" on a CPU, and on GPUs the half precision they have.

    As :func:`sepmodels.training.step.choose_precision` has it. Of GPUs of several generations the oldest decides, so
    that trainings that run side by side are alike.
    """
    generations = [] if device == "cpu" else gpu_generations()
    if not generations:
        return "32"
    return "bf16" if min(generations) >= BFLOAT16_SINCE else "fp16"


def leaves_the_choice(device: str) -> bool:
    """Whether the setting means any GPU, not a certain one."""
    return device in ("auto", "cuda")


def _choice(number: int, busy: Mapping[int, int]) -> str:
    """Why it is this GPU and not an earlier one; empty where it is the first that was asked."""
    if number in busy:
        return f"cuda:{number} is shared: {busy[number] / 1e9:.1f} GB of it are in use, and no other is free."
    passed_over = [f"cuda:{one} ({used / 1e9:.1f} GB)" for one, used in busy.items() if one < number]
    return f"cuda:{number} is used, because memory of {', '.join(passed_over)} is in use." if passed_over else ""


@contextmanager
def own_device(device: str, locks: Path, say: Say) -> Iterator[str]:
    """The device to use within the block: of several GPUs, one that no other step uses, and best nobody else.

    device: as set; a certain one, and what there is only one of, is given back as it is. So is "auto" where torch
        can use none, which then means the CPU.
    locks: a folder for locks, which are free when a process ends, in whatever way.
    say: is told where a GPU is passed over, or shared, because its memory is in use.
    """
    gpus = usable_gpus() if leaves_the_choice(device) else 0
    if gpus < 2:
        yield device
        return
    locks.mkdir(parents=True, exist_ok=True)
    used = gpu_bytes_in_use()
    busy = {number: used[number] for number in range(min(gpus, len(used))) if used[number] > BUSY_BYTES}
    with ExitStack() as held:
        for number in sorted(range(gpus), key=lambda one: busy.get(one, 0)):  # those that are not busy, as they come
            try:
                held.enter_context(FolderLock(locks / f"gpu-{this_host()}-{number}.held").acquire(wait=False))
            except Taken:
                continue
            if sentence := _choice(number, busy):
                say(sentence)
            yield f"cuda:{number}"
            return
        yield device  # more steps than GPUs, by runs of several data folders
