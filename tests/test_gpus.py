"""Each step that wants a GPU has one of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pynvml
import pytest

from assets.gpus import count_gpus, own_device
from tests.conftest import PROJECT


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of them, as far as the driver's library says."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 3)


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
    with own_device("auto", tmp_path) as first:
        with own_device("cuda", tmp_path) as second, own_device("auto", tmp_path) as third:
            assert [first, second, third] == ["cuda:0", "cuda:1", "cuda:2"]
        with own_device("auto", tmp_path) as fourth:
            assert fourth == "cuda:1"


@pytest.mark.usefixtures("gpus")
def test_the_gpu_of_a_killed_process_is_free_again(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, assets.gpus as gpus; gpus.count_gpus = lambda: 3\n"
        f"with gpus.own_device('auto', pathlib.Path({str(tmp_path)!r})) as device:\n"
        "    print(device, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=os.environ, capture_output=True, text=True)
    assert done.stdout == "cuda:0\n"
    with own_device("auto", tmp_path) as device:
        assert device == "cuda:0"


@pytest.mark.usefixtures("gpus")
def test_a_device_that_is_set_is_left_as_it_is(tmp_path: Path) -> None:
    for name in ("cpu", "cuda:2"):
        with own_device(name, tmp_path) as device:
            assert device == name


def test_where_there_is_one_gpu_or_none_there_is_nothing_to_choose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in (0, 1):
        monkeypatch.setattr("assets.gpus.count_gpus", lambda count=count: count)
        with own_device("auto", tmp_path) as device:
            assert device == "auto"
