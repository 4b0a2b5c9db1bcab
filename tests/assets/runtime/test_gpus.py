"""Each step that wants a GPU has one of its own."""

import os
import subprocess
import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest
import torch

import assets.runtime.gpus as gpus_here
from assets.runtime.gpus import auto_precision, count_gpus, own_device, require_device
from sepmodels.errors import UserError
from sepmodels.machine.devices import choose_device
from sepmodels.settings import DatasetSettings, Profile, TrainingSettings
from tests.conftest import PROJECT


def unsaid(sentence: str) -> None:
    raise AssertionError(sentence)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of them, by the driver's library and by torch."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 3)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda number: number)
    monkeypatch.setattr(pynvml, "nvmlSystemGetCudaDriverVersion", lambda: 13_020)
    monkeypatch.setattr(gpus_here, "torch_cuda_version", lambda: 13)
    of_generations(monkeypatch, 9, 8, 7)
    in_use(monkeypatch, 0.4, 0.4, 0.4)
    torch_can_use(monkeypatch, 3)


def of_generations(monkeypatch: pytest.MonkeyPatch, *majors: int) -> None:
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCudaComputeCapability", lambda handle: (majors[handle], 0))


def in_use(monkeypatch: pytest.MonkeyPatch, *gigabytes: float) -> None:
    """What memory of each GPU programs have."""
    found = [SimpleNamespace(used=int(one * 1e9)) for one in gigabytes]
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", lambda handle: found[handle])


def torch_can_use(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)  # it asks NVML, whether or not it can use them


@pytest.mark.parametrize(
    ("visible", "count"), [("0", 1), ("0,2", 2), ("", 0), ("-1", 0), ("1,-1,2", 1), ("0,1,2,3", 3)]
)
@pytest.mark.usefixtures("gpus")
def test_of_the_gpus_only_those_that_are_visible_count(
    monkeypatch: pytest.MonkeyPatch, visible: str, count: int
) -> None:
    assert count_gpus() == 3
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert count_gpus() == count


@pytest.mark.usefixtures("gpus")
def test_steps_at_once_have_a_gpu_each_and_one_that_is_free_again_is_taken_again(tmp_path: Path) -> None:
    with own_device("auto", tmp_path, unsaid) as first:
        with own_device("cuda", tmp_path, unsaid) as second, own_device("auto", tmp_path, unsaid) as third:
            assert [first, second, third] == ["cuda:0", "cuda:1", "cuda:2"]
        with own_device("auto", tmp_path, unsaid) as fourth:
            assert fourth == "cuda:1"


@pytest.mark.usefixtures("gpus")
def test_a_gpu_that_others_use_is_taken_last_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_use(monkeypatch, 40.2, 0.4, 8.0)
    said: list[str] = []
    with ExitStack() as held:
        taken = [held.enter_context(own_device("auto", tmp_path, said.append)) for _ in range(3)]
        assert taken == ["cuda:1", "cuda:2", "cuda:0"]
    assert said == [
        "cuda:1 is used, because memory of cuda:0 (40.2 GB) is in use.",
        "cuda:2 is shared: 8.0 GB of it are in use, and no other is free.",
        "cuda:0 is shared: 40.2 GB of it are in use, and no other is free.",
    ]


@pytest.mark.usefixtures("gpus")
def test_of_the_visible_gpus_the_free_one_is_taken_and_parts_of_a_gpu_as_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_use(monkeypatch, 40.2, 0.4, 8.0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,1")
    with own_device("auto", tmp_path, lambda sentence: None) as device:
        assert device == "cuda:1"  # of those two the second, which is GPU 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-41b9,MIG-7f02")
    with own_device("auto", tmp_path, unsaid) as device:
        assert device == "cuda:0"


@pytest.mark.usefixtures("gpus")
def test_a_gpu_that_the_driver_has_lost_leaves_the_choice_to_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: int) -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", lost)
    with own_device("auto", tmp_path, unsaid) as device:
        assert device == "cuda:0"


@pytest.mark.usefixtures("gpus")
def test_the_gpu_of_a_killed_process_is_free_again(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, assets.runtime.gpus as gpus; gpus.usable_gpus = lambda: 3\n"
        f"with gpus.own_device('auto', pathlib.Path({str(tmp_path)!r}), print) as device:\n"
        "    print(device, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=os.environ, capture_output=True, text=True)
    assert done.stdout == "cuda:0\n"
    with own_device("auto", tmp_path, unsaid) as device:
        assert device == "cuda:0"


@pytest.mark.usefixtures("gpus")
def test_a_device_that_is_set_is_left_as_it_is(tmp_path: Path) -> None:
    for name in ("cpu", "cuda:2"):
        with own_device(name, tmp_path, unsaid) as device:
            assert device == name


def test_where_there_is_one_gpu_or_none_there_is_nothing_to_choose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in (0, 1):
        monkeypatch.setattr("assets.runtime.gpus.count_gpus", lambda count=count: count)
        with own_device("auto", tmp_path, unsaid) as device:
            assert device == "auto"


@pytest.mark.usefixtures("gpus")
def test_gpus_that_torch_cannot_use_leave_auto_to_the_cpu_however_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch_can_use(monkeypatch, 0)
    with own_device("auto", tmp_path, unsaid) as device:
        assert choose_device(device) == torch.device("cpu")
    with (
        own_device("cuda", tmp_path, unsaid) as device,
        pytest.raises(UserError, match="torch can use 0 CUDA devices here"),
    ):
        choose_device(device)


@pytest.mark.parametrize(
    ("device", "processes", "enough"),
    [("auto", 3, True), ("auto", 4, False), ("cpu", 4, True), ("cuda:1", 2, True), ("cuda:1", 3, False)],
)
@pytest.mark.usefixtures("gpus")
def test_a_run_wants_as_many_gpus_as_its_trainings_have_processes(
    device: str, processes: int, enough: bool, tmp_path: Path
) -> None:
    profile = Profile("demo", "", DatasetSettings("demo"), TrainingSettings(processes=processes), device=device)
    with nullcontext() if enough else pytest.raises(UserError, match=f"{processes} of it"):
        require_device(profile, tmp_path)


@pytest.mark.parametrize(("built_for", "driver"), [(None, 13_020), (13, 12_080), (14, 13_020)])
@pytest.mark.usefixtures("gpus")
def test_gpus_that_this_build_of_torch_was_not_made_for_do_not_count(
    monkeypatch: pytest.MonkeyPatch, built_for: int | None, driver: int
) -> None:
    monkeypatch.setattr(gpus_here, "torch_cuda_version", lambda: built_for)
    monkeypatch.setattr(pynvml, "nvmlSystemGetCudaDriverVersion", lambda: driver)
    assert count_gpus() == 0
    assert auto_precision("auto") == "32"


def test_what_torch_was_built_for_is_read_as_torch_itself_says_it() -> None:
    said = torch.version.cuda
    assert gpus_here.torch_cuda_version() == (int(said.partition(".")[0]) if said else None)


@pytest.mark.parametrize(
    ("majors", "visible", "precision"),
    [
        ((9, 8, 8), None, "bf16"),
        ((9, 8, 7), None, "fp16"),
        ((9, 8, 7), "1,0", "bf16"),
        ((9, 8, 7), "GPU-8f2a", "fp16"),
        ((9, 8, 7), "", "32"),
    ],
)
@pytest.mark.usefixtures("gpus")
def test_auto_precision_is_what_the_gpus_that_may_be_used_have(
    monkeypatch: pytest.MonkeyPatch, majors: tuple[int, ...], visible: str | None, precision: str
) -> None:
    of_generations(monkeypatch, *majors)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert auto_precision("auto") == auto_precision("cuda:1") == precision
    assert auto_precision("cpu") == "32"
