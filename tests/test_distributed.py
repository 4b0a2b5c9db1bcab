import dataclasses
import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from sepmodels.checkpoints import load_model
from sepmodels.distributed import World, share_batch_statistics
from sepmodels.errors import UserError
from tests.training_parts import SETTINGS, TINY, TRAIN, VALID, Listener, train_tiny

WITHOUT_DROPOUT = dataclasses.replace(TINY, settings={**TINY.settings, "dropout": 0.0})


@pytest.fixture(scope="module")
def by_two(tmp_path_factory) -> tuple[Path, Listener]:
    """The folder and the log of a training by two processes, from memory-mapped tracks."""
    folder, log = tmp_path_factory.mktemp("by_two"), Listener()
    tracks = []
    for index, track in enumerate(TRAIN):
        np.save(folder / f"{index}.npy", track)
        tracks.append(np.load(folder / f"{index}.npy", mmap_mode="r"))
    report = train_tiny(folder, variant=WITHOUT_DROPOUT, train_tracks=tracks, processes=2, log=log)
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
def test_two_processes_that_are_terminated_go_on_exactly(by_two, tmp_path):
    def terminate(figures, step):  # noqa: ARG001
        if step == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit, match="143"):
        train_tiny(tmp_path, variant=WITHOUT_DROPOUT, processes=2, log=terminate)
    report = train_tiny(tmp_path, variant=WITHOUT_DROPOUT, processes=2)
    assert report.notes == ("Training goes on after step 5.",)
    whole, resumed = (pd.read_parquet(path / "history.parquet") for path in (by_two[0], tmp_path))
    pd.testing.assert_frame_equal(whole, resumed, check_exact=True)


def test_a_batch_that_cannot_be_shared_equally_is_refused(tmp_path):
    with pytest.raises(UserError, match="batch of 4 chunks cannot be shared by 3 processes"):
        train_tiny(tmp_path, SETTINGS, processes=3, valid_tracks=VALID)


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
