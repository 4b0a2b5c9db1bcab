"""What a GPU would refuse, seen without one: torch's fake tensors have a device and a type, and no values."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from pipelines.profiles import PROFILES
from sepmodels.models.architectures import build_model
from sepmodels.systems.variants import VARIANTS
from sepmodels.training.losses import build_loss
from sepmodels.training.step import Learner

GPU = torch.device("cuda", 0)
SETTINGS = replace(PROFILES["musdb18"].training, ema_decay=0.0)


def istft(
    spectrogram: Tensor,
    n_fft: int,
    hop_length: int,
    win_length: int | None = None,
    *,
    window: Tensor,
    center: bool,
    length: int,
    **_: bool,
) -> Tensor:
    """Of the right shape; torch's own looks at values."""
    assert spectrogram.dtype == torch.complex64
    assert (n_fft, hop_length, center) == (len(window), n_fft // 4, True)
    assert win_length in (None, n_fft)
    assert window.device == spectrogram.device
    frames = torch.view_as_real(spectrogram).sum((1, 2, 3))
    return frames[:, None].expand(-1, length) * window[0]


def lstm(frames: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor], *_: object) -> tuple[Tensor, ...]:
    """Of the right shape and type; cuDNN's own wants a driver."""
    assert not torch.is_autocast_enabled("cuda"), "cuDNN's LSTM would run in float16"
    assert frames.dtype == torch.float32
    width = 2 * states[0].shape[-1]
    return (frames.sum(-1, keepdim=True).expand(-1, -1, width) * sum(one.sum() for one in weights), *states)


@contextlib.contextmanager
def autocast(kind: str, dtype: torch.dtype | None = None, enabled: bool = True) -> Iterator[None]:
    """As ``torch.autocast``, which does nothing for a GPU that is not there."""
    before = torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)
    torch.set_autocast_enabled(kind, enabled)
    torch.set_autocast_dtype(kind, dtype or before[1])
    torch.autocast_increment_nesting()
    try:
        yield
    finally:
        if torch.autocast_decrement_nesting() == 0:
            torch.clear_autocast_cache()
        torch.set_autocast_enabled(kind, before[0])
        torch.set_autocast_dtype(kind, before[1])


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(torch, "istft", istft)
    monkeypatch.setattr(torch, "autocast", autocast)
    monkeypatch.setattr(nn.modules.rnn._VF, "lstm", lstm)
    monkeypatch.setattr(nn.Module, "to", lambda module, _device: module)  # it is there already, and cannot be moved
    with FakeTensorMode():
        yield


@pytest.mark.filterwarnings("ignore")  # of torch about its own fake tensors
@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("precision", ["32", "bf16"])
@pytest.mark.parametrize("name", VARIANTS)
def test_a_training_step_and_a_validation_have_all_they_compute_with_on_the_gpu(name: str, precision: str) -> None:
    with GPU:
        model = build_model(VARIANTS[name])
        mixture, vocals = torch.randn(2, 2, 44_100), torch.randn(2, 2, 44_100)
    settings = replace(SETTINGS, precision=precision)
    learner = Learner(model, build_loss(VARIANTS[name]), settings, learning_rate=1e-3, device=GPU)
    with learner.autocast():
        estimate = learner.run(mixture)
        with autocast("cuda", enabled=False):
            loss = learner.loss(estimate, vocals)
        waveform = learner.best.eval()(mixture).waveform
    assert (loss.device, loss.dtype) == (GPU, torch.float32)
    assert (waveform.device, waveform.dtype, waveform.shape) == (GPU, torch.float32, mixture.shape)
