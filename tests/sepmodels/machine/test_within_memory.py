"""Work that goes on with half of it at once, where memory is short."""

import pytest
import torch

from sepmodels.errors import UserError
from sepmodels.machine.within_memory import in_halves


def tried(room: int, segments: int, error: str = "CUDA error: out of memory"):
    """What is tried where so many fit at once, and what is told of it."""
    sizes, told = [], []

    def attempt(size):
        sizes.append(size)
        if size > room:
            raise RuntimeError(error)
        return "done"

    halved = lambda *what: told.append(what)  # noqa: E731
    assert in_halves(attempt, segments, torch.device("cpu"), halved=halved, too_much="Buy more.") == "done"
    return sizes, told


def test_it_is_halved_until_it_fits_and_each_time_that_is_told(caplog):
    sizes, told = tried(room=1, segments=5)
    sentences = [
        "Out of memory: from now on 2 of 5 segments go through the model at once.",
        "Out of memory: from now on 1 of 2 segments go through the model at once.",
    ]
    assert sizes == [5, 2, 1]
    assert told == [(2, sentences[0]), (1, sentences[1])]
    assert caplog.messages == sentences


def test_what_fits_is_tried_once_and_nothing_is_told(caplog):
    assert tried(room=5, segments=5) == ([5], [])
    assert caplog.messages == []


def test_where_nothing_is_left_to_halve_the_sentence_that_was_given_is_the_error():
    with pytest.raises(UserError, match=r"Buy more\."):
        tried(room=0, segments=5)


def test_another_error_is_passed_on():
    with pytest.raises(RuntimeError, match="a fault of the model"):
        tried(room=0, segments=5, error="a fault of the model")
