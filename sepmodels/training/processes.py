"""Several processes that train one model together, each on its share of every batch."""

import contextlib
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from mmap import mmap
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sepmodels.errors import UserError
from sepmodels.machine.devices import cpu_threads
from sepmodels.machine.signals import SIGNALS
from sepmodels.marks import SpeedOnly, words_only

Task = TypeVar("Task")
PATIENCE: SpeedOnly[timedelta] = timedelta(
    minutes=10
)  # with a process that does not answer: one may be validating alone
SECONDS_TO_END: SpeedOnly[float] = 5.0  # a process whose fault made the connection break is about to end


@dataclass(frozen=True)
class World:
    """Which of how many processes this is. Rank 0 is the one that was called: it logs, saves and decides."""

    rank: int = 0
    ranks: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process logs and writes files."""
        return self.rank == 0

    def total(self, value: Tensor) -> Tensor:
        """The sum of the processes' values, the same on each."""
        if self.ranks == 1:
            return value
        summed = value.clone()
        dist.all_reduce(summed)
        return summed

    def told(self, value: bool) -> bool:
        """What rank 0 says."""
        if self.ranks == 1:
            return value
        said = torch.tensor([value])
        dist.broadcast(said, src=0)
        return bool(said)

    def joined(self, model: nn.Module) -> nn.Module:
        """The model such that its gradients, and its batch normalisation, are those of the whole batch."""
        if self.ranks == 1:
            return model
        share_batch_statistics(model)
        return nn.parallel.DistributedDataParallel(model)


ALONE = World()


class SharedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation over the features of all processes, on any device.

    Torch's own SyncBatchNorm needs a GPU; this gives the same, and so can be tested without one.
    """

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, feature) or (batch, feature, sample), of the same shape in every process."""
        if not self.training:
            return super().forward(x)
        x = x.float()
        others = [axis for axis in range(x.dim()) if axis != 1]
        rows = x.numel() // x.shape[1] * dist.get_world_size()
        mean = _summed(x.sum(others, keepdim=True)) / rows
        variance = _summed((x - mean).square().sum(others, keepdim=True)) / rows
        self._follow(mean.detach().flatten(), variance.detach().flatten() * (rows / (rows - 1)))
        normed: Tensor = (x - mean) * torch.rsqrt(variance + self.eps)
        shape = mean.shape
        return normed * self.weight.view(shape) + self.bias.view(shape)

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Update the running statistics, as torch does."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        momentum = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)


class _Summed(torch.autograd.Function):
    """The sum over processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:  # noqa: ARG004
        summed = value.clone()
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        return _summed(gradients[0])


def _summed(value: Tensor) -> Tensor:
    summed: Tensor = _Summed.apply(value)
    return summed


def share_batch_statistics(model: nn.Module) -> None:
    """Turn the batch normalisation of ``model`` into one over all processes; raises UserError for kinds unknown."""
    for module in model.modules():
        if type(module) is nn.BatchNorm1d:
            module.__class__ = SharedBatchNorm
        elif isinstance(module, _BatchNorm):
            raise UserError(f"{type(module).__name__} cannot be trained by several processes: set processes to 1.")


@contextlib.contextmanager
def several_processes(ranks: int, work: Callable[[World, Task], object], task: Task) -> Iterator[World]:
    """Have ``work(world, task)`` done by ``ranks - 1`` more processes while the block does it as rank 0.

    The processor's cores are shared among them. The others end when the block ends, however it ends. Raises
    UserError when one of them ended before.
    """
    if ranks == 1:
        yield ALONE
        return
    threads = max(1, torch.get_num_threads() // ranks)
    with tempfile.TemporaryDirectory() as folder, cpu_threads(threads):
        meeting = Path(folder, "meeting").as_uri()
        helpers = [_Helper(World(rank, ranks), meeting, threads, work, task) for rank in range(1, ranks)]
        try:
            _meet(World(0, ranks), meeting)
            yield World(0, ranks)
        except RuntimeError as error:  # gloo's, when another does not answer
            for helper in helpers:
                helper.raise_fault(error)
            raise
        finally:
            for helper in helpers:
                helper.end()
            if dist.is_initialized():
                dist.destroy_process_group()


class _Helper:
    """Another process, as rank 0 sees it."""

    def __init__(
        self, world: World, meeting: str, threads: int, work: Callable[[World, Task], object], task: Task
    ) -> None:
        spawn = mp.get_context("spawn")
        self.world = world
        self.faults, theirs = spawn.Pipe(duplex=False)
        self.process = spawn.Process(target=_help, args=(world, meeting, threads, theirs, work, task), daemon=True)
        self.process.start()
        theirs.close()

    def raise_fault(self, cause: BaseException) -> None:
        """Raise UserError if this process has ended, or is about to."""
        self.process.join(timeout=SECONDS_TO_END)
        if self.process.is_alive():
            return
        try:
            reason = self.faults.recv()
        except EOFError:
            reason = f"It ended with status {self.process.exitcode}; the log may say why."
        raise UserError(f"Process {self.world.rank} of {self.world.ranks} could not go on. {reason}") from cause

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.faults.close()


def _meet(world: World, meeting: str) -> None:
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, init_method=meeting, rank=world.rank, world_size=world.ranks, timeout=PATIENCE)


def _help(
    world: World,
    meeting: str,
    threads: int,
    faults: Connection,
    work: Callable[[World, Task], object],
    task: Task,
) -> None:
    """What another process does; signals are for rank 0, which ends it and says what is wrong."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    with cpu_threads(threads):
        _meet(world, meeting)
        try:
            work(world, task)
        except UserError as fault:
            faults.send(words_only(str(fault)))


def _reduce_memmap(array: np.memmap[Any, Any]) -> str | tuple[Any, ...]:
    """Send a memory-mapped array to another process as the place where it is, not as what it holds."""
    if isinstance(array.base, mmap) and array.filename is not None:
        return np.memmap, (array.filename, array.dtype, "r", array.offset, array.shape)
    return np.asarray(array).__reduce__()  # a part of one: its place is not known


ForkingPickler.register(np.memmap, _reduce_memmap)
