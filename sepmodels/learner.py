"""One optimiser step on one batch: precision, micro-batches, memory, clipping and averaged weights."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sepmodels.distributed import ALONE, World
from sepmodels.errors import UserError
from sepmodels.estimate import Estimate
from sepmodels.settings import TrainingSettings

_DTYPES = {"32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_precision(asked: str, device: torch.device) -> str:
    """ "32", "bf16" or "fp16": what was asked for, or by device: float32 on a CPU, half precision on CUDA."""
    if asked != "auto":
        return asked
    if device.type != "cuda":
        return "32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"


class Learner:
    """A model in training, with its optimiser.

    When a batch does not fit in the device's memory the step is done again, from the same random state, in a
    way that takes less memory and gives the same result:

    - where chunks do not see each other, in micro-batches whose weighted gradients add up to the whole batch's
      (up to rounding, and to the draws of dropout);
    - batch normalisation couples all chunks of a batch, and micro-batches would change what is learned. There
      the batch stays whole and what the forward pass saves for the backward pass waits in host memory: bit for
      bit the same result.

    notes: what was done for memory, in sentences.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[Estimate, Tensor], Tensor],
        settings: TrainingSettings,
        *,
        learning_rate: float,
        device: torch.device,
        world: World = ALONE,
    ) -> None:
        """learning_rate: the first one. world: the processes that share each batch."""
        self.model = model.to(device)
        self.world = world
        self.loss = loss
        self.settings = settings
        self.device = device
        self.precision = choose_precision(settings.precision, device)
        joined = world.joined(self.model)
        self.run: Callable[[Tensor], Estimate] = torch.compile(joined) if settings.compile else joined
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision == "fp16")
        self.average = _average(self.model, settings.ema_decay)
        self.coupled = any(isinstance(module, _BatchNorm) for module in model.modules())
        self.parts = 1
        self.saves_on_host = False
        self.notes: list[str] = []

    @property
    def best(self) -> nn.Module:
        """The model to validate and to save: the averaged one, where weights are averaged."""
        return self.average.module if self.average is not None else self.model

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The precision in which models run; STFTs and losses see to float32 themselves."""
        return torch.autocast(self.device.type, _DTYPES[self.precision], enabled=self.precision != "32")

    def step(self, mixture: Tensor, target: Tensor) -> Tensor:
        """Learn from one batch (batch, channel, sample); returns its mean loss, a scalar on the device.

        Raises UserError when even one chunk at a time is too much for the device.
        """
        self.model.train()
        loss = self._backward_within_memory(mixture, target)
        if self.settings.gradient_clip is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.gradient_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average is not None:
            self.average.update_parameters(self.model)
        return loss

    def _backward_within_memory(self, mixture: Tensor, target: Tensor) -> Tensor:
        while True:
            before = _Snapshot(self.model, self.device)
            try:
                return self._backward(mixture, target)
            except torch.OutOfMemoryError:
                before.restore()
            self._use_less_memory(len(mixture))

    def _backward(self, mixture: Tensor, target: Tensor) -> Tensor:
        """Gradients of the batch's mean loss, as a weighted sum over micro-batches."""
        self.optimizer.zero_grad()
        total = torch.zeros((), device=self.device)
        for some, wanted in zip(mixture.tensor_split(self.parts), target.tensor_split(self.parts), strict=True):
            with self._saved_tensors(), self.autocast():
                estimate = self.run(some)
                with torch.autocast(self.device.type, enabled=False):
                    loss = self.loss(estimate, wanted) * (len(some) / len(mixture))
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    def _saved_tensors(self) -> contextlib.AbstractContextManager[Any]:
        if not self.saves_on_host:
            return contextlib.nullcontext()
        return torch.autograd.graph.save_on_cpu(pin_memory=self.device.type == "cuda")

    def _use_less_memory(self, batch: int) -> None:
        self.optimizer.zero_grad()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if self.world.ranks > 1:  # the others are in the same step already
            raise UserError(f"A share of {batch} chunks does not fit in the memory of {self.device}: lower batch.")
        if self.coupled and not self.saves_on_host:
            self.saves_on_host = True
            self._note("Out of memory: what the backward pass needs now waits in host memory.")
        elif not self.coupled and self.parts < batch:
            self.parts = min(2 * self.parts, batch)
            self._note(f"Out of memory: a batch of {batch} now goes through in {self.parts} parts.")
        else:
            raise UserError(
                f"A batch of {batch} chunks of {self.settings.chunk_seconds:g} s does not fit in the memory of "
                f"{self.device}, even in the thriftiest way: lower batch or chunk_seconds, or raise memory_budget_gb."
            )

    def _note(self, sentence: str) -> None:
        self.notes.append(sentence)
        logging.getLogger(__name__).warning(sentence)

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimiser, scaler, averaged weights, and how memory is saved."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": self.average.state_dict() if self.average is not None else None,
            "parts": self.parts,
            "saves_on_host": self.saves_on_host,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.parts, self.saves_on_host = state["parts"], state["saves_on_host"]


def _average(model: nn.Module, decay: float) -> AveragedModel | None:
    """An exponential moving average of the weights, beside a copy of the latest batch-norm statistics."""
    if not decay:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]


class _Snapshot:
    """What a failed forward pass may have changed: random generators and buffers (running statistics)."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self.device = device
        self.buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
        self.random = _random_state(device)

    def restore(self) -> None:
        with torch.no_grad():
            for buffer, value in self.buffers:
                buffer.copy_(value)
        _set_random_state(self.random, self.device)


@contextlib.contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators within the block, and leave the caller's as they were."""
    before = _random_state(device)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        _set_random_state(before, device)


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed torch's global generators (for dropout) by what a step is, so that no state of theirs needs keeping."""
    mixed = np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0]
    torch.manual_seed(int(mixed))


def _random_state(device: torch.device) -> tuple[Tensor, Tensor | None]:
    return torch.get_rng_state(), torch.cuda.get_rng_state(device) if device.type == "cuda" else None


def _set_random_state(state: tuple[Tensor, Tensor | None], device: torch.device) -> None:
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)
