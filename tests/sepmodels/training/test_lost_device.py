"""A GPU that fails in the middle of a training: what is said, and how the training goes on."""

import dataclasses

import pytest
import torch

from sepmodels.errors import UserError
from sepmodels.machine.devices import is_lost, out_of_memory
from sepmodels.training import loop
from sepmodels.training.lost_device import told_when_lost
from sepmodels.training.preparation import Task
from sepmodels.training.processes import ALONE, World
from sepmodels.training.run_folder import TrainingFiles
from sepmodels.training.step import Learner
from tests.training_parts import SETTINGS, TINY, train_tiny

FAILURE = "CUDA error: unspecified launch failure\nSearch for `cudaErrorLaunchFailure' in the manual."


def failing_after(steps, monkeypatch, message=FAILURE):
    """From that step on the device computes nothing more, and no tensor can be had from it."""
    step = Learner.step
    done = []

    def fails(learner, *batch):
        if len(done) == steps:
            raise torch.AcceleratorError(message)
        done.append(1)
        return step(learner, *batch)

    monkeypatch.setattr(Learner, "step", fails)


def task_on(device, files, precision="bf16"):
    settings = dataclasses.replace(SETTINGS, precision=precision)
    return Task(TINY, settings, [], [], None, files, 1, torch.device(device), 4_000, ())


def sentence_of(work, folder, *, device="cuda:1", world=ALONE, precision="bf16"):
    """What is said where ``work`` is done with the states of that folder, as on a GPU."""
    with pytest.raises(UserError) as told:
        told_when_lost(work)(world, task_on(device, TrainingFiles(folder, None), precision))
    return str(told.value)


def lost(_world, _task):
    raise torch.AcceleratorError(FAILURE)


def test_a_gpu_that_fails_is_named_with_the_step_that_is_kept_and_the_training_goes_on_from_it(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        failing_after(5, patch)

        def work(_world, _task):
            train_tiny(tmp_path)

        assert sentence_of(work, tmp_path) == (
            "cuda:1 failed while 'tiny' was trained (CUDA error: unspecified launch failure): the state saved after "
            "step 5 is kept, and the same command goes on from it; for another GPU add --set device=cuda:0, for the "
            "CPU --set device=cpu --set training.precision=bf16."
        )
    assert train_tiny(tmp_path).notes == ("Training goes on after step 5.",)


def test_where_nothing_was_saved_yet_that_is_said(tmp_path):
    assert "no state had been saved yet, and the same command begins the training again" in sentence_of(lost, tmp_path)


def test_the_precision_is_named_only_where_a_cpu_would_choose_another(tmp_path):
    assert sentence_of(lost, tmp_path, precision="32").endswith("for the CPU --set device=cpu.")


def test_of_several_processes_each_names_its_own_gpu(tmp_path):
    assert sentence_of(lost, tmp_path, world=World(1, 2)).startswith("cuda:2 failed")


@pytest.mark.parametrize(
    ("device", "error"), [("cpu", RuntimeError(FAILURE)), ("cuda:0", RuntimeError("a fault of the model"))]
)
def test_any_other_error_is_passed_on(tmp_path, device, error):
    def work(_world, _task):
        raise error

    with pytest.raises(RuntimeError) as passed:
        told_when_lost(work)(ALONE, task_on(device, TrainingFiles(tmp_path, None)))
    assert passed.value is error


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: device-side assert triggered",
        "CUDA error: uncorrectable ECC error encountered",
        "CUDA error: an illegal memory access was encountered",
        "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`",
        "Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.",
    ],
)
def test_what_cuda_says_of_a_gpu_that_failed_is_understood(said):
    assert is_lost(RuntimeError(said))
    assert not out_of_memory(RuntimeError(said))


def test_out_of_memory_and_a_wrong_argument_are_no_lost_gpu():
    assert not is_lost(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."))
    assert not is_lost(RuntimeError("CUDA error: out of memory"))
    assert not is_lost(RuntimeError("CUDA error: invalid argument"))
