"""What a separation costs."""

import numpy as np
import pytest
import torch
from torch import nn

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.machine.processor_time import OthersWork
from sepmodels.models.architectures import build_model
from sepmodels.models.estimate import Estimate
from sepmodels.separation.cost import multiply_adds, multiply_adds_of, time_and_memory
from sepmodels.systems.variants import VARIANTS


class Known(nn.Module):
    """A convolution of known size, and an LSTM of known size over its frames."""

    def __init__(self) -> None:
        super().__init__()
        self.frames = nn.Conv1d(2, 8, 100, stride=100, bias=False)
        self.lstm = nn.LSTM(8, 4, batch_first=True, bias=False)

    def forward(self, mixture: torch.Tensor) -> Estimate:
        frames, _ = self.lstm(self.frames(mixture).transpose(1, 2))

        class Made:
            waveform = frames

        return Made()


def test_multiply_adds_are_those_of_convolutions_and_of_lstms() -> None:
    frames = SAMPLE_RATE_HZ // 100
    convolution, lstm = frames * 8 * 2 * 100, frames * 4 * 4 * (8 + 4)
    assert multiply_adds(Known()) == pytest.approx(convolution + lstm, rel=0.01)


@pytest.mark.parametrize("name", ["open_unmix", "transformer"])
def test_two_seconds_take_twice_the_multiply_adds_of_one(name: str) -> None:
    model = build_model(VARIANTS[name]).eval()
    assert multiply_adds(model, 2 * SAMPLE_RATE_HZ) == pytest.approx(2 * multiply_adds(model), rel=0.15)


def test_multiply_adds_of_a_song_count_all_that_is_heard_of_it() -> None:
    model, seconds = Known(), 3

    def twice(song: np.ndarray) -> None:
        for _ in range(2):
            model(torch.from_numpy(song)[None])

    song = np.zeros((2, seconds * SAMPLE_RATE_HZ), np.float32)
    assert multiply_adds_of(twice, song) == pytest.approx(2 * multiply_adds(model), rel=1e-3)


def test_what_is_only_made_once_is_not_timed_and_memory_is_that_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OthersWork, "share", lambda _: 0.0)  # these tests run side by side
    lengths = []
    factor, memory = time_and_memory(lambda song: lengths.append(song.shape[1]), np.zeros((2, 3 * SAMPLE_RATE_HZ)))
    assert lengths == [SAMPLE_RATE_HZ, *[3 * SAMPLE_RATE_HZ] * 3]
    assert 0 <= factor < 1
    assert 0.05 < memory < 64


def test_a_time_that_others_have_spoilt_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OthersWork, "share", lambda _: 0.37)
    with pytest.raises(UserError, match="Other programs kept 37% of the processors busy: measure again"):
        time_and_memory(lambda song: song, np.zeros((2, SAMPLE_RATE_HZ)))
