import gc
import os
from types import SimpleNamespace

import pytest
import torch

from sepmodels.errors import UserError
from sepmodels.machine.devices import choose_device, own_host_bytes, prepare_device, return_freed_memory
from sepmodels.machine.memory import GIB


def with_gpus(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


@pytest.mark.parametrize(("gpus", "expected"), [(0, "cpu"), (1, "cuda:0"), (2, "cuda:0")])
def test_auto_is_a_gpu_where_there_is_one(monkeypatch, gpus, expected):
    with_gpus(monkeypatch, gpus)
    assert choose_device("auto") == torch.device(expected)


@pytest.mark.parametrize(("name", "gpus"), [("auto", 1), ("cuda", 1), ("cuda:1", 2)])
def test_more_processes_than_gpus_are_refused_before_any_begins(monkeypatch, name, gpus):
    with_gpus(monkeypatch, gpus)
    with pytest.raises(UserError, match=rf"2 of it, but torch can use {gpus} CUDA devices"):
        choose_device(name, 2)


@pytest.mark.parametrize("name", ["gpu", "mps", "meta"])
def test_a_device_that_is_not_trained_on_is_refused_by_name(name):
    with pytest.raises(UserError, match=f"There is no device '{name}': say auto, cpu, cuda or cuda:1"):
        choose_device(name)


def test_processes_without_a_gpu_share_the_cpu(monkeypatch):
    with_gpus(monkeypatch, 0)
    assert choose_device("auto", 2) == torch.device("cpu")


@pytest.mark.parametrize(("budget_gb", "share"), [(None, 1.0), (6.0, 0.25), (48.0, 1.0)])
def test_a_memory_budget_is_a_share_of_the_gpus_memory_from_then_on(monkeypatch, budget_gb, share):
    done = {}
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda mode, *, warn_only: done.update(repeats=mode))
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: done.update(device=device))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=24 * GIB))
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda fraction, device: done.update({device: fraction})
    )
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda _: None)
    second = torch.device("cuda:1")
    prepare_device(second, budget_gb)
    assert done == {"device": second, second: share, "repeats": True}
    assert torch.backends.cudnn.deterministic
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"  # a user's own choice stays


def test_a_process_own_memory_grows_by_what_it_fills_and_can_be_given_back():
    gc.collect()
    return_freed_memory()  # what other tests left would be filled first
    before = own_host_bytes()
    filled = torch.ones(64 * 2**20 // 4)
    assert own_host_bytes() - before > 50 * 2**20
    del filled
    return_freed_memory()
    assert own_host_bytes() - before < 30 * 2**20
