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

from sepmodels.errors import UserError
from sepmodels.machine.devices import out_of_memory, return_freed_memory
from sepmodels.machine.memory import GIB
from sepmodels.marks import speed_only, words_only
from sepmodels.models.estimate import Estimate
from sepmodels.settings import Precision, TrainingSettings, changed
from sepmodels.training.less_memory import (
    HostBudget,
    Snapshot,
    random_state,
    recompute_blocks,
    set_random_state,
)
from sepmodels.training.optimisation import build_optimizer
from sepmodels.training.processes import ALONE, World

_DTYPES = {"32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_precision(asked: Precision, device: torch.device) -> Precision:
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
      the batch stays whole, and what the forward pass would keep for the backward pass is computed again where
      the model has blocks, and then, on a GPU, waits in host memory: bit for bit the same result.

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
        self.plain: Callable[[Tensor], Estimate] = world.joined(self.model)
        self.run = torch.compile(self.plain) if settings.compile else self.plain
        self.optimizer: torch.optim.Optimizer = (
            build_optimizer(settings, self.model, learning_rate)
            if changed(settings, "optimizer")
            else torch.optim.Adam(
                self.model.parameters(), lr=learning_rate, weight_decay=settings.weight_decay, fused=True
            )
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision == "fp16")
        self.average = _average(self.model, settings.ema_decay)
        self.coupled = any(isinstance(module, _BatchNorm) for module in model.modules())
        self.parts = 1
        self.recomputes = False
        self.saves_on_host = False
        self.notes: list[str] = []
        self.host_budget = _host_budget(settings, self.model, device)
        if self.host_budget is not None and settings.compile:
            self.run = self.plain
            self._note("The model runs uncompiled: on a CPU memory_budget_gb looks at it layer by layer.")

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
            before = Snapshot(self.model, self.device)
            try:
                return self._backward(mixture, target)
            except RuntimeError as error:
                before.restore()
                uncompiled = self.run is not self.plain and self._goes_uncompiled_after(error)
                if not uncompiled and not out_of_memory(error):
                    raise
            if not uncompiled:
                self._use_less_memory(len(mixture))

    def _backward(self, mixture: Tensor, target: Tensor) -> Tensor:
        """Gradients of the batch's mean loss, as a weighted sum over micro-batches."""
        self.optimizer.zero_grad()
        total = torch.zeros((), device=self.device)
        for some, wanted in zip(mixture.tensor_split(self.parts), target.tensor_split(self.parts), strict=True):
            with self._saved_tensors(len(mixture)), self.autocast():
                estimate = self.run(some)
                with torch.autocast(self.device.type, enabled=False):
                    loss = self.loss(estimate, wanted) * (len(some) / len(mixture))
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    def _saved_tensors(self, batch: int) -> contextlib.AbstractContextManager[Any]:
        """What becomes of the tensors that the forward pass keeps for the backward pass."""
        if self.saves_on_host:
            return torch.autograd.graph.save_on_cpu(pin_memory=True)
        if self.host_budget is None:
            return contextlib.nullcontext()
        return self.host_budget.watched(not self.recomputes if self.coupled else self.parts < batch)

    @speed_only
    def _goes_uncompiled_after(self, error: RuntimeError) -> bool:
        """If the error is one of compiling, run the model as it is from now on."""
        from torch._dynamo.exc import TorchDynamoException  # seconds, and only needed here

        if not isinstance(error, TorchDynamoException):
            return False
        self.run = self.plain
        self._note(f"The model runs uncompiled, because torch.compile failed: {str(error).splitlines()[0]}")
        return True

    def _use_less_memory(self, batch: int) -> None:
        self.optimizer.zero_grad()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        else:
            return_freed_memory()
        if self.world.ranks > 1:  # the others are in the same step already
            raise UserError(f"A share of {batch} chunks does not fit in the memory of {self.device}: lower batch.")
        if not self.coupled and self.parts < batch:
            self.parts = min(2 * self.parts, batch)
            self._note(f"Out of memory: a batch of {batch} now goes through in {self.parts} parts.")
        elif self.coupled and not self.recomputes and self._recompute_blocks():
            self._note("Out of memory: blocks of the model are now computed again in the backward pass.")
        elif self.coupled and not self.saves_on_host and self.device.type == "cuda":
            self.saves_on_host = True
            self.run = self.plain  # compiled code keeps its own tensors
            self._note("Out of memory: what the backward pass needs now waits in host memory.")
        else:
            raise UserError(
                f"A batch of {batch} chunks of {self.settings.chunk_seconds:g} s does not fit in the memory of "
                f"{self.device}, even in the thriftiest way: lower batch or chunk_seconds, or raise memory_budget_gb."
            )

    def _recompute_blocks(self) -> bool:
        self.recomputes = recompute_blocks(self.model)
        if self.recomputes:
            self.run = self.plain  # what is compiled would go on as before
        return self.recomputes

    @words_only
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
            "recomputes": self.recomputes,
            "saves_on_host": self.saves_on_host,
            "notes": list(self.notes),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.notes = list(dict.fromkeys([*state["notes"], *self.notes]))
        self.parts = state["parts"]
        self.saves_on_host = state["saves_on_host"] and self.device.type == "cuda"  # elsewhere it is there already
        if state["recomputes"] and not self.recomputes:
            self._recompute_blocks()
        if self.saves_on_host:
            self.run = self.plain


def _host_budget(settings: TrainingSettings, model: nn.Module, device: torch.device) -> HostBudget | None:
    if device.type != "cpu" or settings.memory_budget_gb is None:
        return None
    return HostBudget(settings.memory_budget_gb * GIB, model)


def _average(model: nn.Module, decay: float) -> AveragedModel | None:
    """An exponential moving average of the weights, beside a copy of the latest batch-norm statistics."""
    if not decay:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators within the block, and leave the caller's as they were."""
    before = random_state(device)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        set_random_state(before, device)


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed torch's global generators (for dropout) by what a step is, so that no state of theirs needs keeping."""
    mixed = np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0]
    torch.manual_seed(int(mixed))
