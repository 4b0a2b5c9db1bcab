import copy

import pytest
import torch
from torch import nn

from sepmodels.errors import UserError
from sepmodels.estimate import Estimate
from sepmodels.learner import Learner, choose_precision
from sepmodels.losses import waveform_mse
from sepmodels.models import build_model
from sepmodels.settings import TrainingSettings
from sepmodels.spectral import Stft
from tests.training_parts import TINY

CPU = torch.device("cpu")


class Gain(nn.Module):
    """A model without batch normalisation: chunks do not see each other."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Conv1d(2, 2, 9, padding=4)
        self.stft = Stft(128, 64)

    def forward(self, mixture):
        return Estimate.from_waveform(self.filters(mixture), self.stft)


class SmallMemory(nn.Module):
    """A model on a machine where only so many chunks fit, or (kept on the host) none has to."""

    def __init__(self, model: nn.Module, chunks: int) -> None:
        super().__init__()
        self.model = model
        self.chunks = chunks

    def forward(self, mixture):
        estimate = self.model(mixture)  # has drawn random numbers and changed running statistics by now
        on_host = torch._C._autograd._top_saved_tensors_default_hooks(False) is not None
        if len(mixture) > self.chunks and not on_host:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return estimate


def learner(model: nn.Module, **settings) -> Learner:
    return Learner(model, waveform_mse, TrainingSettings(**settings), learning_rate=1e-3, device=CPU)


def a_batch(chunks: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    mixture = torch.randn(chunks, 2, 1000, generator=generator)
    return mixture, 0.5 * mixture


def gradients(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.grad for name, parameter in model.named_parameters()}


@pytest.mark.parametrize(("fits", "parts"), [(3, 2), (2, 4), (1, 6)])
def test_out_of_memory_halves_the_micro_batch_with_the_gradient_of_the_whole_batch(fits, parts):
    model = Gain()
    whole, split = learner(copy.deepcopy(model)), learner(SmallMemory(copy.deepcopy(model), fits))
    expected = whole.step(*a_batch())
    found = split.step(*a_batch())
    torch.testing.assert_close(found, expected)
    for first, second in zip(whole.model.parameters(), split.model.parameters(), strict=True):
        torch.testing.assert_close(second.grad, first.grad)
    assert split.parts == parts
    assert split.notes[-1] == f"Out of memory: a batch of 6 now goes through in {parts} parts."


def test_batch_normalisation_keeps_the_batch_whole_and_out_of_memory_changes_no_bit():
    torch.manual_seed(0)
    model = build_model(TINY, sample_rate_hz=4000)
    whole, thrifty = learner(copy.deepcopy(model)), learner(SmallMemory(copy.deepcopy(model), 2))
    for trained in (whole, thrifty):
        torch.manual_seed(1)  # dropout
        for _ in range(3):
            trained.step(*a_batch())
    thrifty_state = thrifty.model.model.state_dict()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, thrifty_state[name]), name
    assert thrifty.notes == ["Out of memory: what the backward pass needs now waits in host memory."]


def test_a_batch_that_cannot_fit_at_all_is_refused_with_what_to_do():
    with pytest.raises(UserError, match="batch of 6 chunks of 6 s does not fit in the memory of cpu"):
        learner(SmallMemory(Gain(), 0)).step(*a_batch())


def test_the_gradient_is_clipped_to_the_norm_of_the_settings():
    trained = learner(Gain(), gradient_clip=1e-3)
    trained.step(*a_batch())
    norm = torch.linalg.vector_norm(torch.stack([gradient.norm() for gradient in gradients(trained.model).values()]))
    assert float(norm) == pytest.approx(1e-3, rel=1e-3)


def test_averaged_weights_follow_the_weights_with_the_settings_decay():
    trained = learner(Gain(), ema_decay=0.75)
    trained.step(*a_batch())
    first = trained.model.filters.weight.detach().clone()
    assert torch.equal(trained.best.filters.weight, first)
    trained.step(*a_batch())
    expected = 0.75 * first + 0.25 * trained.model.filters.weight
    torch.testing.assert_close(trained.best.filters.weight, expected)
    assert trained.best is not trained.model


def test_half_precision_is_used_for_the_model_and_float32_for_the_loss():
    seen = []

    class Spying(Gain):
        def forward(self, mixture):
            seen.append(self.filters(mixture).dtype)
            return super().forward(mixture)

    def loss(estimate, target):
        seen.append((estimate.waveform @ target.transpose(1, 2)).dtype)
        return waveform_mse(estimate, target)

    trained = Learner(Spying(), loss, TrainingSettings(precision="bf16"), learning_rate=1e-3, device=CPU)
    assert torch.isfinite(trained.step(*a_batch()))
    assert seen == [torch.bfloat16, torch.float32]


def test_fp16_training_scales_the_loss_and_saves_the_scale():
    trained = learner(Gain(), precision="fp16")
    trained.step(*a_batch())
    state = trained.state_dict()
    assert state["scaler"]["scale"] == 65536.0
    other = learner(Gain(), precision="fp16")
    other.load_state_dict(state)
    assert torch.equal(other.step(*a_batch()), trained.step(*a_batch()))


def test_a_cpu_trains_in_float32_unless_told_otherwise():
    assert choose_precision("auto", CPU) == "32"
    assert choose_precision("bf16", CPU) == "bf16"


def test_a_compiled_model_is_saved_under_its_plain_names():
    model = Gain()
    trained = learner(model, compile=True)
    assert trained.run is not model
    assert set(trained.state_dict()["model"]) == set(Gain().state_dict())
