import contextlib
import copy
import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
import torch.distributed as dist
from torch import nn

from sepmodels.errors import UserError
from sepmodels.models.model_file import load_model
from sepmodels.training import loop
from sepmodels.training.processes import World, share_batch_statistics
from sepmodels.training.step import Learner
from tests.training_parts import SETTINGS, TINY, TINY_TRANSFORMER, TINY_U_NET, TRAIN, Listener, train_tiny

WITHOUT_DROPOUT = dataclasses.replace(TINY, settings={**TINY.settings, "dropout": 0.0})
BY_TWO = dataclasses.replace(SETTINGS, processes=2)


@pytest.fixture(scope="module")
def by_two(tmp_path_factory) -> tuple[Path, Listener]:
    """The folder and the log of a training by two processes, from memory-mapped tracks."""
    folder, log = tmp_path_factory.mktemp("by_two"), Listener()
    tracks = []
    for index, track in enumerate(TRAIN):
        np.save(folder / f"{index}.npy", track)
        tracks.append(np.load(folder / f"{index}.npy", mmap_mode="r"))
    report = train_tiny(folder, BY_TWO, variant=WITHOUT_DROPOUT, train_tracks=tracks, log=log)
    assert report.steps == 12
    return folder, log


@pytest.mark.slow
def test_two_processes_learn_what_one_would_with_the_same_batch(by_two, tmp_path):
    folder, log = by_two
    alone = Listener()
    train_tiny(tmp_path, variant=WITHOUT_DROPOUT, log=alone)
    for name in ("loss", "validation_loss", "validation_sdr_db"):
        assert log.values(name) == pytest.approx(alone.values(name), rel=1e-4), name
    weights = load_model(folder / "model.safetensors")[0].state_dict()
    for name, value in load_model(tmp_path / "model.safetensors")[0].state_dict().items():
        torch.testing.assert_close(weights[name], value, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("variant", [TINY_U_NET, TINY_TRANSFORMER], ids=lambda variant: variant.architecture)
def test_two_processes_learn_the_same_whatever_the_architecture(tmp_path, variant):
    variant = dataclasses.replace(variant, settings={**variant.settings, "dropout": 0.0})
    alone, together = Listener(), Listener()
    train_tiny(tmp_path / "alone", dataclasses.replace(SETTINGS, steps=3), variant=variant, log=alone)
    train_tiny(tmp_path / "together", dataclasses.replace(BY_TWO, steps=3), variant=variant, log=together)
    for name in ("loss", "validation_loss"):
        assert together.values(name) == pytest.approx(alone.values(name), rel=1e-4), name


@pytest.mark.slow
def test_two_processes_that_are_terminated_go_on_exactly(by_two, tmp_path):
    def terminate(figures, step):  # noqa: ARG001
        if step == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit, match="143"):
        train_tiny(tmp_path, BY_TWO, variant=WITHOUT_DROPOUT, log=terminate)
    assert not multiprocessing.active_children()
    report = train_tiny(tmp_path, BY_TWO, variant=WITHOUT_DROPOUT)
    assert report.notes == ("Training goes on after step 5.",)
    whole, resumed = (pd.read_parquet(path / "history.parquet") for path in (by_two[0], tmp_path))
    pd.testing.assert_frame_equal(whole, resumed, check_exact=True)


@pytest.mark.slow
def test_a_point_of_the_curve_is_of_all_processes_also_where_two_were_terminated_before_it(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "POINTS_OF_A_CURVE", 4)  # of twelve steps, a point for three; so it is here alone
    step = Learner.step
    train_tiny(tmp_path / "whole", BY_TWO, variant=WITHOUT_DROPOUT)
    seen = []

    def terminated(learner, *batch):
        seen.append(step(learner, *batch))
        if len(seen) == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return seen[-1]

    monkeypatch.setattr(Learner, "step", terminated)
    with pytest.raises(SystemExit, match="143"):
        train_tiny(tmp_path / "resumed", BY_TWO, variant=WITHOUT_DROPOUT)
    assert train_tiny(tmp_path / "resumed", BY_TWO, variant=WITHOUT_DROPOUT).notes == (
        "Training goes on after step 5.",
    )
    whole, resumed = (pd.read_parquet(tmp_path / name / "history.parquet") for name in ("whole", "resumed"))
    assert sorted(whole[whole.name == "loss"].step) == [3, 6, 9, 12]
    pd.testing.assert_frame_equal(whole, resumed, check_exact=True)


@pytest.mark.slow
def test_a_process_that_has_no_memory_left_is_named_and_what_was_saved_stays(tmp_path):
    with pytest.raises(UserError, match=r"A share of 2 chunks does not fit in the memory of cpu: lower batch\."):
        train_tiny(tmp_path, dataclasses.replace(BY_TWO, memory_budget_gb=0.01))
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_process_that_is_killed_is_named(tmp_path):
    def kill_the_other(figures, step):  # noqa: ARG001
        if step == 3:
            multiprocessing.active_children()[0].kill()

    with pytest.raises(UserError, match=r"Process 1 of 2 could not go on\. It ended with status -9"):
        train_tiny(tmp_path, BY_TWO, log=kill_the_other)


KILLED = """
import multiprocessing, os, signal, sys
from pathlib import Path
from tests.sepmodels.training.test_processes import BY_TWO
from tests.training_parts import train_tiny
def killed(figures, step):
    if step == 3:
        print(multiprocessing.active_children()[0].pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    train_tiny(Path(sys.argv[1]), BY_TWO, log=killed)
"""


@pytest.mark.slow
def test_after_a_kill_9_of_the_first_process_the_other_ends_by_itself(tmp_path):
    project = Path(__file__).parents[3]
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    run = subprocess.run(
        [sys.executable, script, tmp_path],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(run.stdout)).wait(timeout=60)


def test_a_batch_that_cannot_be_shared_equally_is_refused(tmp_path):
    with pytest.raises(UserError, match="batch of 4 chunks cannot be shared by 3 processes"):
        train_tiny(tmp_path, dataclasses.replace(SETTINGS, processes=3))


def test_one_process_alone_agrees_with_itself():
    alone = World()
    model = nn.Linear(2, 2)
    assert alone.leads
    assert alone.joined(model) is model
    assert alone.told(True) is True
    assert float(alone.total(torch.tensor(3.0))) == 3.0


def test_batch_normalisation_of_a_kind_that_cannot_be_shared_is_named():
    with pytest.raises(UserError, match="BatchNorm2d cannot be trained by several processes"):
        share_batch_statistics(nn.Sequential(nn.BatchNorm2d(3)))


@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 5)])
def test_shared_batch_normalisation_of_one_process_is_torchs_own(tmp_path, shape):
    torch.manual_seed(0)
    own = nn.BatchNorm1d(3)
    nn.init.normal_(own.weight)
    shared = copy.deepcopy(own)
    share_batch_statistics(shared)
    dist.init_process_group("gloo", init_method=(tmp_path / "meeting").as_uri(), rank=0, world_size=1)
    try:
        for _ in range(3):
            x = torch.randn(shape, requires_grad=True)
            same = x.detach().clone().requires_grad_()
            torch.testing.assert_close(shared(same), own(x))
            for norm, given in ((own, x), (shared, same)):
                norm(given).pow(3).sum().backward()
            torch.testing.assert_close(same.grad, x.grad, rtol=1e-4, atol=1e-4)
    finally:
        dist.destroy_process_group()
    torch.testing.assert_close(shared.state_dict(), own.state_dict())
    torch.testing.assert_close(shared.eval()(x), own.eval()(x))
