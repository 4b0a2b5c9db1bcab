"""The benchmark's figure of how busy a GPU is, by a GPU that is a stand-in."""

import importlib
import itertools
import threading
from pathlib import Path

import pytest
import torch


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("training")


def test_the_use_of_a_gpu_is_the_mean_of_samples_taken_meanwhile(monkeypatch, benchmark):
    asked, figures, enough = [], itertools.cycle([90, 100]), threading.Event()

    def utilization(device):
        asked.append(device)
        if len(asked) == 4:
            enough.set()
        return next(figures)

    monkeypatch.setattr(torch.cuda, "utilization", utilization)
    monkeypatch.setattr(benchmark.Utilisation, "EVERY_SECONDS", 0.001)
    with benchmark.Utilisation(torch.device("cuda:1")) as busy:
        assert enough.wait(timeout=60)
    assert set(asked) == {torch.device("cuda:1")}
    assert 93 <= int(busy.percent().removesuffix(" %")) <= 95
    assert not busy.thread.is_alive()


def test_without_a_gpu_there_is_a_dash(benchmark):
    with benchmark.Utilisation(torch.device("cpu")) as busy:
        pass
    assert busy.percent() == "-"
