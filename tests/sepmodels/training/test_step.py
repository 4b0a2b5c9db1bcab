import copy
import dataclasses
import gc
import threading

import pytest
import torch
from torch import nn

from sepmodels.audio.stft import Stft
from sepmodels.errors import UserError
from sepmodels.machine.devices import out_of_memory, own_host_bytes, return_freed_memory
from sepmodels.machine.memory import GIB
from sepmodels.models.architectures import build_model
from sepmodels.models.estimate import Estimate
from sepmodels.settings import TrainingSettings
from sepmodels.training.losses import waveform_mse
from sepmodels.training.step import Learner, choose_precision
from tests.training_parts import TINY, TINY_TRANSFORMER, TINY_U_NET

CPU = torch.device("cpu")


class Gain(nn.Module):
    """A model without batch normalisation: chunks do not see each other."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Conv1d(2, 2, 9, padding=4)
        self.stft = Stft(128, 64)

    def forward(self, mixture):
        return Estimate.from_waveform(self.filters(mixture), self.stft)


class Bent(Gain):
    """A model whose compilation needs a C++ compiler: a convolution alone does not."""

    def forward(self, mixture):
        return Estimate.from_waveform(torch.tanh(self.filters(mixture)).sin(), self.stft)


class SmallMemory(nn.Module):
    """A model on a device where only so many chunks fit."""

    def __init__(self, model: nn.Module, chunks: int) -> None:
        super().__init__()
        self.model = model
        self.chunks = chunks

    def forward(self, mixture):
        if len(mixture) > self.chunks:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.model(mixture)


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


class FullOnce(nn.Module):
    """A model on a device that once has no room, when a forward pass is almost over."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.failed = False

    def forward(self, mixture):
        estimate = self.model(mixture)  # has drawn random numbers and changed running statistics by now
        if not self.failed:
            self.failed = True
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return estimate


def assert_same_weights(first: nn.Module, second: nn.Module) -> None:
    expected = first.state_dict()
    for name, value in second.state_dict().items():
        assert torch.equal(value, expected[name]), name


RECOMPUTES = "Out of memory: blocks of the model are now computed again in the backward pass."


@pytest.mark.parametrize("variant", [TINY_U_NET, TINY_TRANSFORMER], ids=lambda variant: variant.architecture)
def test_batch_normalisation_keeps_the_batch_whole_and_computing_blocks_again_changes_no_bit(variant):
    torch.manual_seed(0)
    model = build_model(variant, sample_rate_hz=4000)
    roomy, thrifty = learner(copy.deepcopy(model)), learner(FullOnce(copy.deepcopy(model)))
    for trained in (roomy, thrifty):
        torch.manual_seed(1)  # dropout
        for _ in range(3):
            trained.step(*a_batch())
    assert thrifty.notes == [RECOMPUTES]
    assert_same_weights(roomy.model, thrifty.model.model)


def test_what_saves_memory_is_resumed_without_running_out_of_it_again():
    torch.manual_seed(0)
    first = learner(FullOnce(build_model(TINY_U_NET, sample_rate_hz=4000)))
    first.step(*a_batch())
    second = learner(FullOnce(build_model(TINY_U_NET, sample_rate_hz=4000)))
    second.load_state_dict(first.state_dict())
    second.model.failed = True
    losses = []
    for trained in (first, second):
        torch.manual_seed(1)
        losses.append(float(trained.step(*a_batch())))
    assert losses[0] == losses[1]
    assert second.recomputes
    assert second.notes == first.notes


def test_what_waits_in_host_memory_changes_no_bit(monkeypatch):
    torch.manual_seed(0)
    model = build_model(TINY, sample_rate_hz=4000)
    roomy, thrifty = learner(copy.deepcopy(model)), learner(copy.deepcopy(model))
    monkeypatch.setattr(thrifty, "_saved_tensors", lambda _: torch.autograd.graph.save_on_cpu())
    for trained in (roomy, thrifty):
        torch.manual_seed(1)
        for _ in range(3):
            trained.step(*a_batch())
    assert_same_weights(roomy.model, thrifty.model)


def until_refused(trained: Learner) -> None:
    while True:
        trained._use_less_memory(6)


def test_on_a_gpu_blocks_are_computed_again_before_anything_waits_in_host_memory(monkeypatch):
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    found = {}
    for variant in (TINY, TINY_U_NET):
        trained = learner(build_model(variant, sample_rate_hz=4000))
        trained.device = torch.device("cuda")
        with pytest.raises(UserError, match="does not fit in the memory of cuda"):
            until_refused(trained)
        found[variant.architecture] = trained.notes
    waits = "Out of memory: what the backward pass needs now waits in host memory."
    assert found == {"open_unmix": [waits], "time_domain": [RECOMPUTES, waits]}


class Peak:
    """The most memory that this process had for itself within a block."""

    def __enter__(self):
        self.most_bytes, self.ended = 0, threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def _watch(self):
        while not self.ended.wait(0.001):
            self.most_bytes = max(self.most_bytes, own_host_bytes())

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def test_on_a_cpu_a_step_stays_within_the_memory_budget_and_learns_the_same():
    wide = dataclasses.replace(TINY_U_NET, settings={"channels": 24, "levels": 3, "hidden": 8, "layers": 2})
    generator = torch.Generator().manual_seed(0)
    mixture = torch.randn(8, 2, 100_000, generator=generator)
    torch.manual_seed(0)
    model = build_model(wide, sample_rate_hz=44_100)
    gc.collect()  # what other tests left would be given back in the middle of this one
    return_freed_memory()
    budget = own_host_bytes() + 500 * 2**20
    found = []
    for given in (None, budget / GIB):
        trained = learner(copy.deepcopy(model), memory_budget_gb=given)
        torch.manual_seed(1)
        with Peak() as peak:
            trained.step(mixture, 0.5 * mixture)
            trained.step(mixture, 0.5 * mixture)
        found.append((trained, peak.most_bytes))
        return_freed_memory()
    (roomy, roomy_bytes), (thrifty, thrifty_bytes) = found
    assert thrifty_bytes <= budget < roomy_bytes
    assert thrifty.notes == [RECOMPUTES]
    assert_same_weights(roomy.model, thrifty.model)


def test_a_budget_that_nothing_fits_in_is_refused():
    with pytest.raises(UserError, match=r"even in the thriftiest way: lower batch .* or raise memory_budget_gb"):
        learner(build_model(TINY, sample_rate_hz=4000), memory_budget_gb=0.01).step(*a_batch())


def test_an_error_that_is_not_about_memory_is_passed_on():
    with pytest.raises(RuntimeError, match=r"expected input.*to have 2 channels"):
        learner(Gain()).step(torch.zeros(6, 3, 1000), torch.zeros(6, 3, 1000))


@pytest.mark.parametrize(
    "said",
    [
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA error: out of memory",
        "[enforce fail] DefaultCPUAllocator: can't allocate memory",
    ],
)
def test_libraries_that_say_out_of_memory_in_their_own_words_are_understood(said):
    assert out_of_memory(RuntimeError(said))
    assert not out_of_memory(RuntimeError("cuDNN error: CUDNN_STATUS_BAD_PARAM"))


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


@pytest.mark.slow
def test_a_compiled_model_learns_what_the_plain_one_does_and_is_saved_under_its_names():
    plain, compiled = learner(Bent()), learner(Bent(), compile=True)
    plain.load_state_dict(compiled.state_dict())
    for _ in range(2):
        torch.testing.assert_close(compiled.step(*a_batch()), plain.step(*a_batch()))
    torch.testing.assert_close(compiled.state_dict()["model"], plain.state_dict()["model"])
    assert compiled.run is not compiled.plain
    assert compiled.notes == []


def test_without_a_compiler_the_model_runs_uncompiled_and_says_so(tmp_path, monkeypatch):
    from torch._inductor import config

    plain, compiled = learner(Bent()), learner(Bent(), compile=True)
    plain.load_state_dict(compiled.state_dict())
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))  # nothing is there that was compiled before
    torch._dynamo.reset()
    with config.patch({"cpp.cxx": (None, "/no/such/compiler")}):
        losses = [float(compiled.step(*a_batch())) for _ in range(2)]
    assert losses == [float(plain.step(*a_batch())) for _ in range(2)]
    (note,) = compiled.notes
    assert note.startswith("The model runs uncompiled, because torch.compile failed: ")
    assert "No working C++ compiler found" in note


def test_a_memory_budget_on_a_cpu_leaves_the_model_uncompiled_and_says_so():
    trained = learner(Gain(), compile=True, memory_budget_gb=100.0)
    trained.step(*a_batch())
    assert trained.notes == ["The model runs uncompiled: on a CPU memory_budget_gb looks at it layer by layer."]
