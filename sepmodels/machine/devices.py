"""What the machine has: devices, their memory, and settings of memory that make a CPU faster."""

import contextlib
import ctypes
import gc
import os
import resource
from collections.abc import Iterator

import psutil
import torch

from sepmodels.errors import UserError
from sepmodels.machine.memory import GIB
from sepmodels.marks import no_part_of_a_result, speed_only

_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1  # glibc's malloc.h
_OUT_OF_MEMORY = ("ALLOC_FAILED", "DefaultCPUAllocator: can't allocate memory", "CUDA error: out of memory")
# What CUDA, its libraries and the driver say when a GPU can compute no more for this process, or at all.
_LOST = (
    "device-side assert",
    "unspecified launch failure",
    "launch timed out",
    "illegal memory access",
    "illegal instruction",
    "misaligned address",
    "hardware stack error",
    "nvlink or a hardware error",
    "uncorrectable ECC error",
    "uncorrectable NVLink error",
    "CUDA error: unknown error",
    "no CUDA-capable device is detected",
    "CUDA-capable device(s) is/are busy or unavailable",
    "EXECUTION_FAILED",
    "CUFFT_EXEC_FAILED",
    "GPU is lost",
)


def cuda_devices() -> int:
    """How many CUDA devices torch can use: none where the driver shows some but is too old for this build of torch."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def choose_device(name: str, count: int = 1) -> torch.device:
    """The device called ``name``; "auto" is the first CUDA device, or the CPU where there is none.

    count: how many such devices are wanted, that one and the next. Raises UserError for a device that torch does
    not know, or when this machine has not as many.
    """
    if name == "auto":
        name = "cuda" if cuda_devices() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise UserError(f"There is no device {name!r}: say auto, cpu, cuda or cuda:1.")
    usable = cuda_devices()
    if device.type == "cuda" and (device.index or 0) + count > usable:
        raise UserError(
            f"Device {name!r} was asked for, {count} of it, but torch can use {usable} CUDA devices "
            "here: say auto or cpu, or check the driver with nvidia-smi."
        )
    return torch.device("cuda", device.index or 0) if device.type == "cuda" else device  # some calls want the number


def device_of_rank(first: torch.device, rank: int) -> torch.device:
    """The device of one of several processes: on CUDA the ``rank``-th after the first, else the same for all.

    >>> device_of_rank(torch.device("cuda:1"), 2), device_of_rank(torch.device("cpu"), 2)
    (device(type='cuda', index=3), device(type='cpu'))
    """
    return torch.device("cuda", (first.index or 0) + rank) if first.type == "cuda" else first


@speed_only
def free_device_bytes(device: torch.device) -> int:
    """Memory that is free on a CUDA device; 0 for others."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0


@contextlib.contextmanager
def cpu_threads(threads: int) -> Iterator[None]:
    """Let torch use so many threads of the CPU within the block; 0 leaves it as it is."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def prepare_device(device: torch.device, memory_budget_gb: float | None) -> None:
    """Make a device ready for training: repeatable, fast, and on CUDA within ``memory_budget_gb`` if given.

    A budget makes torch raise its out-of-memory error there, as if the device had no more.
    """
    if device.type == "cpu":
        keep_freed_memory()
        return
    torch.cuda.set_device(device)  # what names no device means this one
    gc.collect()
    torch.cuda.empty_cache()  # of the training before, whose memory would not count as free
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it the sums of cuDNN's LSTM vary
    torch.backends.cudnn.deterministic = True
    torch.use_deterministic_algorithms(True, warn_only=True)  # of attention's gradients, for one
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # we read none
    total = torch.cuda.get_device_properties(device).total_memory
    share = 1.0 if memory_budget_gb is None else min(1.0, memory_budget_gb * GIB / total)
    torch.cuda.set_per_process_memory_fraction(share, device)
    torch.cuda.reset_peak_memory_stats(device)


@speed_only
def out_of_memory(error: RuntimeError) -> bool:
    """Whether that is what it means: cuBLAS, cuDNN and the CPU's allocator have no class of error for it."""
    return isinstance(error, torch.OutOfMemoryError) or any(said in str(error) for said in _OUT_OF_MEMORY)


@no_part_of_a_result("which sentence an error has")
def is_lost(error: RuntimeError) -> bool:
    """Whether a CUDA device has failed, so that nothing more can be computed on it by this process."""
    return any(said in str(error) for said in _LOST)


@speed_only
def peak_memory_gib(device: torch.device) -> float:
    """The most memory in use so far: of a CUDA device by tensors, else of host memory by this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / GIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB


@speed_only
def own_host_bytes() -> int:
    """The memory that this process has for itself now, without libraries and files that are mapped."""
    found = psutil.Process().memory_info()
    return int(found.rss - getattr(found, "shared", 0))


@speed_only
def return_freed_memory() -> None:
    """Let glibc give back what :func:`keep_freed_memory` had it keep."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@speed_only
def keep_freed_memory() -> None:
    """Let glibc keep large blocks that are freed, for the next step to use again.

    By default every tensor over 32 MiB is mapped anew and its pages are zeroed by the kernel at first touch;
    a training step of Open-Unmix (batch 16, 6 s, two cores) then takes 2.3 s, with this 1.4 s, for about
    1 GiB more memory. Does nothing where the C library is not glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, GIB)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
