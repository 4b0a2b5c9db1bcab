"""Ways to do a training step in less memory, with the same result."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sepmodels.machine.devices import own_host_bytes, return_freed_memory
from sepmodels.marks import speed_only


@speed_only
class Snapshot:
    """What a forward pass that failed may have changed: random generators and buffers (running statistics)."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self.device = device
        self.buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
        self.random = random_state(device)

    def restore(self) -> None:
        """Put all back as it was."""
        _put_back(self.buffers)
        set_random_state(self.random, self.device)


def random_state(device: torch.device) -> tuple[Tensor, Tensor | None]:
    """The states of torch's global generators: the CPU's, and a CUDA device's."""
    return torch.get_rng_state(), torch.cuda.get_rng_state(device) if device.type == "cuda" else None


def set_random_state(state: tuple[Tensor, Tensor | None], device: torch.device) -> None:
    """Go on from what :func:`random_state` gave."""
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)


@speed_only
def recompute_blocks(model: nn.Module) -> bool:
    """Let the blocks of ``model`` forget, and compute again in the backward pass, what lies between them.

    Blocks are what stands in its ``nn.ModuleList``s (layers of an encoder, levels of a U-Net). The result is bit
    for bit the same: dropout draws the same numbers again, and running statistics are not counted twice (Chen et
    al. 2016, "Training deep nets with sublinear memory cost"). Returns whether there were any.
    """
    blocks = [block for module in model.modules() if isinstance(module, nn.ModuleList) for block in module]
    for block in blocks:
        block.forward = _recomputed(block, block.forward)
    return bool(blocks)


def _recomputed(block: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
    def contexts() -> tuple[contextlib.AbstractContextManager[None], contextlib.AbstractContextManager[None]]:
        return contextlib.nullcontext(), _unchanged_buffers(block)

    def run(*arguments: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*arguments)
        return checkpoint(forward, *arguments, use_reentrant=False, context_fn=contexts)

    return run


@contextlib.contextmanager
def _unchanged_buffers(module: nn.Module) -> Iterator[None]:
    before = [(buffer, buffer.clone()) for buffer in module.buffers()]
    try:
        yield
    finally:
        _put_back(before)


def _put_back(buffers: list[tuple[Tensor, Tensor]]) -> None:
    for buffer, value in buffers:
        buffer.data.copy_(value)  # by .data: autograd need not take it for a change of what it has saved


@speed_only
class HostBudget:
    """The memory that this process may take while a step runs on the CPU, where torch has no limit of its own.

    It is looked at after every layer, and whenever autograd keeps a tensor or takes it out again. Twice as much as
    it ever rose between two looks has to be free, so that a next layer as large, with what it only needs meanwhile,
    does not pass the budget unseen. Where there is no thriftier way left, as much as it rose is enough: what is only
    caution would otherwise end a training that fits.
    """

    def __init__(self, most_bytes: float, model: nn.Module) -> None:
        self.most_bytes = most_bytes
        self.largest_rise = 0
        self.has_thriftier_way = True
        self.before = own_host_bytes()
        for module in model.modules():
            module.register_forward_hook(lambda *_: self._look())

    def watched(self, has_thriftier_way: bool) -> contextlib.AbstractContextManager[Any]:
        """Raise torch's out-of-memory error, within the block and in its backward pass, where there is no room."""
        self.has_thriftier_way = has_thriftier_way
        self.before = own_host_bytes()
        return torch.autograd.graph.saved_tensors_hooks(self._kept, self._kept)

    def _kept(self, tensor: Tensor) -> Tensor:
        self._look()
        return tensor.detach()

    def _look(self) -> None:
        taken = own_host_bytes()
        self.largest_rise = max(self.largest_rise, taken - self.before)
        if taken + 2 * self.largest_rise > self.most_bytes:
            return_freed_memory()
            taken = own_host_bytes()
            to_come = self.largest_rise * (2 if self.has_thriftier_way else 1)
            if torch.is_grad_enabled() and taken + to_come > self.most_bytes:
                raise torch.OutOfMemoryError(f"{taken} bytes are taken, of {self.most_bytes:.0f}.")
        self.before = taken
