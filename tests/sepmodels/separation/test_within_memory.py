"""Segments in smaller parts where memory is short."""

import logging

import numpy as np
import pytest
import torch

from sepmodels.errors import UserError
from sepmodels.separation.separate import separate
from sepmodels.separation.within_memory import WithinMemory
from sepmodels.settings import SeparationSettings
from tests.sepmodels.separation.test_separate import Gain

SEGMENTS = np.arange(10, dtype=np.float32).reshape(5, 1, 2)


class Memory:
    """Doubles segments, so many at once and no more; counts what it was given."""

    def __init__(self, room: int, error: str = "CUDA error: CUBLAS_STATUS_ALLOC_FAILED") -> None:
        self.room, self.error, self.given = room, error, []

    def __call__(self, segments: np.ndarray) -> np.ndarray:
        self.given.append(len(segments))
        if len(segments) > self.room:
            raise RuntimeError(self.error)
        return 2 * segments


def within_memory() -> WithinMemory:
    return WithinMemory(torch.device("cpu"), segment_seconds=20.0)


def test_what_does_not_fit_together_is_done_in_halves_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    memory, within = Memory(room=1), within_memory()
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(within(memory, SEGMENTS), 2 * SEGMENTS)
    assert memory.given == [5, 2, 1, 1, 1, 1, 1]
    assert "Out of memory: from now on 1 of 2 segments go through the model at once." in caplog.text
    memory.given.clear()
    np.testing.assert_array_equal(within(memory, SEGMENTS), 2 * SEGMENTS)
    assert memory.given == [1] * 5  # nothing is tried again that did not fit


def test_what_fits_goes_through_at_once() -> None:
    memory = Memory(room=5)
    np.testing.assert_array_equal(within_memory()(memory, SEGMENTS), 2 * SEGMENTS)
    assert memory.given == [5]


def test_one_segment_that_does_not_fit_is_told_with_what_to_do() -> None:
    with pytest.raises(UserError, match=r"A segment of 20 s does not fit in the memory of cpu: lower"):
        within_memory()(Memory(room=0), SEGMENTS)


def test_another_error_is_passed_on() -> None:
    with pytest.raises(RuntimeError, match="a fault of the model"):
        within_memory()(Memory(room=0, error="a fault of the model"), SEGMENTS)


def test_a_song_that_is_separated_with_little_memory_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model, settings = Gain(0.5), SeparationSettings(segment_seconds=1.0, overlap_seconds=0.25, batch=4)
    mixture = np.random.default_rng(0).standard_normal((2, 5 * 44_100)).astype(np.float32) / 10
    whole = separate(model, mixture, settings)
    forward = model.forward

    def short_of_memory(mixture: torch.Tensor):
        if len(mixture) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(mixture)

    monkeypatch.setattr(model, "forward", short_of_memory)
    np.testing.assert_allclose(separate(model, mixture, settings), whole, atol=1e-5)
