import copy
import dataclasses
import math
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from sepmodels.errors import UserError
from sepmodels.models.model_file import load_model
from sepmodels.training import loop, preparation
from sepmodels.training import train as training
from sepmodels.training.run_folder import TrainingStates
from sepmodels.training.step import Learner
from sepmodels.training.validation import Validation
from tests.training_parts import SETTINGS, TINY, TRAIN, Listener, model_facts, train_tiny

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_model(folder / "model.safetensors")[0].state_dict()


def history(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "history.parquet")


def assert_same_training(first: Path, second: Path) -> None:
    """The same losses at the same steps, and the same weights, bit for bit."""
    pd.testing.assert_frame_equal(history(first), history(second), check_exact=True)
    expected = weights(second)
    for name, value in weights(first).items():
        assert torch.equal(value, expected[name]), name


class KilledAt:
    """A log that does something when training reaches a step, once."""

    def __init__(self, step, action):
        self.step, self.action = step, action

    def __call__(self, figures, step):  # noqa: ARG002
        if step == self.step:
            self.step = None
            self.action()


def interrupt():
    raise KeyboardInterrupt


def interrupted_at(folder, step, settings=SETTINGS):
    """Train until the log of that step raises KeyboardInterrupt."""
    with pytest.raises(KeyboardInterrupt):
        train_tiny(folder, settings, log=KilledAt(step, interrupt))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    """The folder of a training that nothing disturbed."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("uninterrupted")
    train_tiny(folder)
    return folder


def test_training_lowers_the_loss_and_keeps_the_best_model(tmp_path):
    log = Listener()
    longer = dataclasses.replace(SETTINGS, batch=16, chunk_seconds=0.5, chunks_per_track=32, steps=60)
    report = train_tiny(tmp_path, longer, variant=dataclasses.replace(TINY, learning_rate=1e-2), log=log)
    losses, validated = log.values("loss"), log.values("validation_loss")
    assert losses[-1] < 0.2 * losses[0]
    assert len(validated) == report.epochs == 10
    assert report.best_validation_loss == min(validated) < validated[0]
    assert report.best_step == 6 * (1 + validated.index(min(validated)))
    assert (report.steps, report.stopped_by) == (60, "steps")
    model, _ = load_model(tmp_path / "model.safetensors")
    assert report.parameters == sum(parameter.numel() for parameter in model.parameters())
    facts = model_facts(tmp_path / "model.safetensors")
    assert (facts["step"], facts["validation_loss"], facts["seed"]) == (report.best_step, min(validated), 1)


def test_the_log_gets_loss_speed_and_validation(tmp_path):
    log, shown = Listener(), []
    train_tiny(
        tmp_path, log=log, progress=lambda done, total, unit, **figures: shown.append((done, total, unit, figures))
    )
    assert [step for step, figures in log.points if "loss" in figures] == list(range(1, 13))
    for name in ("learning_rate", "chunks_per_second", "data_share"):
        assert len(log.values(name)) == 12
    assert [step for step, figures in log.points if "validation_loss" in figures] == [6, 12]
    assert len(log.values("validation_sdr_db")) == 2
    done, total, unit, figures = shown[-1]
    assert (done, total, unit) == (12, 12, "step")
    assert figures["loss"] == log.values("loss")[-1]
    table = history(tmp_path)
    assert table[table["name"] == "loss"]["value"].tolist() == log.values("loss")


def test_progress_shows_a_loss_from_the_first_point_of_the_curve_on(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SHOW_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(loop, "POINTS_OF_A_CURVE", 4)
    shown = {}
    train_tiny(tmp_path, progress=lambda done, total, unit, **figures: shown.update({done: figures}))
    assert [done for done, figures in shown.items() if "loss" not in figures] == [1, 2]
    assert all(math.isfinite(value) for figures in shown.values() for value in figures.values())


def test_the_same_seed_gives_the_same_weights_bit_for_bit(tmp_path, uninterrupted):
    train_tiny(tmp_path)
    assert_same_training(tmp_path, uninterrupted)


def test_training_leaves_the_callers_random_numbers_alone(tmp_path):
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    train_tiny(tmp_path, dataclasses.replace(SETTINGS, steps=1))
    assert torch.equal(torch.randn(3), expected)


def test_another_seed_gives_other_weights(tmp_path, uninterrupted):
    train_tiny(tmp_path, seed=2)
    assert not torch.equal(weights(tmp_path)["fc1.weight"], weights(uninterrupted)["fc1.weight"])


# All that has a state of its own: averaged weights, a loss scale, warm-up, a plateau at every validation, clipping.
FULL = dataclasses.replace(
    SETTINGS,
    chunks_per_track=4,  # 3 steps an epoch
    ema_decay=0.9,
    precision="fp16",
    warmup_steps=5,
    gradient_clip=0.5,
    plateau_patience=0,
    patience=3,
)

KILLED_BY_THE_SYSTEM = """
import os, signal, sys
from pathlib import Path
import torch
from sepmodels.training import loop
from sepmodels.training.step import Learner
from tests.sepmodels.training.test_train import FULL
from tests.training_parts import train_tiny
torch.set_num_threads(1)
loop.SAVE_EVERY_SECONDS = 0.0
backward, steps = Learner._backward, []
def killed(self, mixture, target):
    steps.append(len(steps))
    loss = backward(self, mixture, target)
    if len(steps) == {step}:
        os.kill(os.getpid(), signal.SIGKILL)
    return loss
Learner._backward = killed
train_tiny(Path(sys.argv[1]), FULL)
"""


@pytest.fixture(scope="module")
def uninterrupted_full(tmp_path_factory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("uninterrupted_full")
    assert train_tiny(folder, FULL).steps == 12
    return folder


@pytest.mark.parametrize("step", [4, *random.Random(0).sample([2, 3, 5, 6, 7, 8, 9, 10, 11, 12], 2)])
def test_after_a_kill_9_losses_and_weights_go_on_as_if_nothing_had_happened(tmp_path, uninterrupted_full, step):
    project = Path(training.__file__).parents[2]
    script = [sys.executable, "-c", KILLED_BY_THE_SYSTEM.format(step=step), str(tmp_path)]
    killed = subprocess.run(script, cwd=project, env=os.environ | {"PYTHONPATH": str(project)}, check=False)
    assert killed.returncode == -signal.SIGKILL
    report = train_tiny(tmp_path, FULL)
    assert report.notes == (f"Training goes on after step {step - 1}.",)
    assert_same_training(tmp_path, uninterrupted_full)


def test_the_log_of_a_training_that_goes_on_hears_the_whole_curve(tmp_path):
    interrupted_at(tmp_path, 9)
    log = Listener()
    train_tiny(tmp_path, log=log)
    assert [step for step, figures in log.points if "loss" in figures] == list(range(1, 13))
    assert [step for step, figures in log.points if "validation_loss" in figures] == [6, 12]


@pytest.mark.parametrize("step", [1, 6, 9])
def test_an_interruption_saves_the_very_step_and_passes_through(tmp_path, uninterrupted, step):
    interrupted_at(tmp_path, step)
    report = train_tiny(tmp_path)
    assert report.notes == (f"Training goes on after step {step}.",)
    assert_same_training(tmp_path, uninterrupted)


def test_an_interruption_during_validation_repeats_the_validation(tmp_path, uninterrupted, monkeypatch):
    def interrupted(*args, **kwargs):  # noqa: ARG001
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(preparation, "validate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_tiny(tmp_path)
    train_tiny(tmp_path)
    assert_same_training(tmp_path, uninterrupted)


def test_a_signal_in_the_middle_of_a_step_waits_for_its_end(tmp_path, uninterrupted, monkeypatch):
    forward, seen = Learner.step, []

    def step(self, mixture, target):
        seen.append(len(seen))
        if len(seen) == 5:
            os.kill(os.getpid(), signal.SIGINT)  # would raise KeyboardInterrupt here, half way through the step
        return forward(self, mixture, target)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", step)
        with pytest.raises(KeyboardInterrupt):
            train_tiny(tmp_path)
    report = train_tiny(tmp_path)
    assert report.notes == ("Training goes on after step 5.",)
    assert_same_training(tmp_path, uninterrupted)


def test_a_sigterm_saves_and_exits(tmp_path):
    with pytest.raises(SystemExit, match="143"):
        train_tiny(tmp_path, log=KilledAt(3, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    assert train_tiny(tmp_path).notes == ("Training goes on after step 3.",)


def test_the_callers_own_handler_decides_what_a_signal_does(tmp_path):
    class Terminated(BaseException):
        pass

    def handler(number, frame):  # noqa: ARG001
        raise Terminated

    before = signal.signal(signal.SIGTERM, handler)
    try:
        with pytest.raises(Terminated):
            train_tiny(tmp_path, log=KilledAt(3, lambda: os.kill(os.getpid(), signal.SIGTERM)))
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)
    assert train_tiny(tmp_path).notes == ("Training goes on after step 3.",)


def test_a_damaged_state_costs_only_the_steps_since_the_one_before(tmp_path, uninterrupted, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", 0.0)
    interrupted_at(tmp_path, 8)
    newest = max((tmp_path / "states").iterdir())
    newest.write_bytes(newest.read_bytes()[:5000])
    assert train_tiny(tmp_path).notes == ("Training goes on after step 7.",)
    assert_same_training(tmp_path, uninterrupted)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"settings": dataclasses.replace(SETTINGS, batch=2)}, "settings"),
        ({"settings": dataclasses.replace(SETTINGS, precision="bf16")}, "precision"),
        ({"seed": 2}, "settings"),
        ({"variant": dataclasses.replace(TINY, loss="magnitude_l1")}, "variant"),
        ({"train_tracks": TRAIN[:2]}, "data"),
        ({"code_version": "2"}, "code"),
        ({"data_version": "2"}, "data"),
    ],
)
def test_a_state_of_another_training_is_never_resumed(tmp_path, changes, named):
    interrupted_at(tmp_path, 3)
    report = train_tiny(tmp_path, **changes)
    assert report.notes[0].startswith("The saved training state is of another")
    assert named in report.notes[0]
    assert report.steps == 12


def test_a_precision_that_is_written_out_is_the_same_training_as_auto_that_means_it(tmp_path, uninterrupted):
    interrupted_at(tmp_path, 3, dataclasses.replace(SETTINGS, precision="auto"))
    report = train_tiny(tmp_path, dataclasses.replace(SETTINGS, precision="32"))
    assert report.notes == ("Training goes on after step 3.",)
    assert_same_training(tmp_path, uninterrupted)


def test_a_state_does_not_go_on_in_the_precision_of_another_device(tmp_path, monkeypatch):
    """As where a training that began on a CPU goes on where there is a GPU."""
    interrupted_at(tmp_path, 3)
    monkeypatch.setattr(training, "choose_precision", lambda _asked, _device: "bf16")
    report = train_tiny(tmp_path)
    assert report.notes == ("The saved training state is of another precision: training starts anew.",)
    assert report.precision == "bf16"


def test_settings_that_only_decide_speed_do_not_prevent_resuming(tmp_path, uninterrupted):
    interrupted_at(tmp_path, 3)
    report = train_tiny(tmp_path, dataclasses.replace(SETTINGS, feeding="disk"))
    assert report.notes == ("Training goes on after step 3.",)
    assert_same_training(tmp_path, uninterrupted)


def steps_trained(folder, monkeypatch, settings=SETTINGS, **changes):
    """Train, keeping what is finished; gives the report, and how many steps that took."""
    forward, seen = Learner.step, []

    def step(self, mixture, target):
        seen.append(len(seen))
        return forward(self, mixture, target)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", step)
        return train_tiny(folder, settings, keep_finished=True, **changes), len(seen)


def test_a_training_that_has_ended_leaves_its_model_its_history_and_its_report(tmp_path):
    train_tiny(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.parquet", "model.safetensors", "training.json"]


def test_a_finished_training_is_done_again_from_the_start(tmp_path, uninterrupted):
    interrupted_at(tmp_path, 9)
    train_tiny(tmp_path)
    assert train_tiny(tmp_path).notes == ()
    assert_same_training(tmp_path, uninterrupted)


def test_a_finished_training_is_kept_if_so_wanted_and_its_history_is_heard_again(tmp_path, monkeypatch):
    first, second = Listener(), Listener()
    report = train_tiny(tmp_path, log=first)
    assert steps_trained(tmp_path, monkeypatch, log=second) == (report, 0)
    for name in ("loss", "learning_rate", "validation_loss"):
        assert second.values(name) == first.values(name)


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": dataclasses.replace(SETTINGS, batch=2)},
        {"settings": dataclasses.replace(SETTINGS, precision="bf16")},
        {"seed": 2},
        {"variant": dataclasses.replace(TINY, loss="magnitude_l1")},
        {"train_tracks": TRAIN[:2]},
        {"code_version": "2"},
        {"data_version": "2"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_finished_training_of_anything_else_is_never_kept(tmp_path, monkeypatch, changes):
    train_tiny(tmp_path)
    assert steps_trained(tmp_path, monkeypatch, **changes)[1] == 12


@pytest.mark.parametrize("name", ["model.safetensors", "history.parquet", "training.json"])
@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(path.read_bytes()[:-9]), Path.unlink])
def test_a_finished_training_whose_files_are_not_as_it_left_them_is_done_again(
    tmp_path, monkeypatch, uninterrupted, name, damage
):
    train_tiny(tmp_path)
    damage(tmp_path / name)
    assert steps_trained(tmp_path, monkeypatch)[1] == 12
    assert_same_training(tmp_path, uninterrupted)


def test_a_training_begun_anew_and_broken_off_is_not_taken_for_the_finished_one_before(tmp_path, monkeypatch):
    train_tiny(tmp_path)
    interrupted_at(tmp_path, 3)
    report, steps = steps_trained(tmp_path, monkeypatch)
    assert (steps, report.notes) == (9, ("Training goes on after step 3.",))


def test_averaged_weights_are_validated_saved_and_resumed(tmp_path):
    averaged = dataclasses.replace(SETTINGS, ema_decay=0.9)
    train_tiny(tmp_path / "whole", averaged)
    interrupted_at(tmp_path / "resumed", 8, averaged)
    train_tiny(tmp_path / "resumed", averaged)
    assert_same_training(tmp_path / "whole", tmp_path / "resumed")
    train_tiny(tmp_path / "plain")
    assert not torch.equal(weights(tmp_path / "whole")["fc1.weight"], weights(tmp_path / "plain")["fc1.weight"])


def test_patience_that_was_half_spent_stays_so_over_an_interruption(tmp_path, monkeypatch):
    monkeypatch.setattr(preparation, "validate", lambda *_, **__: Validation(1.0, math.nan))  # never better
    patient = dataclasses.replace(SETTINGS, steps=600, patience=3)
    interrupted_at(tmp_path, 15, patient)  # one validation after the best
    report = train_tiny(tmp_path, patient)
    assert (report.stopped_by, report.steps) == ("patience", 24)


def test_the_averaged_weights_are_those_that_are_validated(tmp_path, monkeypatch):
    validated = []

    def validate(model, *_, **__):
        validated.append(copy.deepcopy(model.state_dict()))
        return Validation(1.0 / len(validated), math.nan)

    monkeypatch.setattr(preparation, "validate", validate)
    train_tiny(tmp_path, dataclasses.replace(SETTINGS, ema_decay=0.9))
    for name, value in weights(tmp_path).items():
        assert torch.equal(value, validated[-1][name]), name


def test_the_learning_rate_warms_up_over_the_first_steps(tmp_path):
    log = Listener()
    train_tiny(tmp_path, dataclasses.replace(SETTINGS, steps=6, warmup_steps=4), log=log)
    assert log.values("learning_rate") == pytest.approx([0.25e-3, 0.5e-3, 0.75e-3, 1e-3, 1e-3, 1e-3])


def test_the_learning_rate_falls_when_the_validation_loss_does_not(tmp_path, monkeypatch):
    log, worse = Listener(), iter(range(1, 100))
    monkeypatch.setattr(preparation, "validate", lambda *_, **__: Validation(float(next(worse)), math.nan))
    chosen = dataclasses.replace(SETTINGS, chunks_per_track=2, steps=5, plateau_patience=1)  # one step an epoch
    train_tiny(tmp_path, chosen, log=log)
    assert log.values("learning_rate") == pytest.approx([1e-3, 1e-3, 1e-3, 3e-4, 3e-4])


def test_training_stops_when_patience_is_spent(tmp_path, monkeypatch):
    worse = iter(range(1, 100))
    monkeypatch.setattr(preparation, "validate", lambda *_, **__: Validation(float(next(worse)), math.nan))
    report = train_tiny(tmp_path, dataclasses.replace(SETTINGS, steps=600, patience=3))
    assert (report.stopped_by, report.epochs, report.best_step) == ("patience", 4, 6)


def test_training_stops_when_its_epochs_or_minutes_are_spent(tmp_path):
    by_epochs = train_tiny(tmp_path / "epochs", dataclasses.replace(SETTINGS, steps=None, epochs=2))
    assert (by_epochs.stopped_by, by_epochs.steps) == ("epochs", 12)
    by_minutes = train_tiny(tmp_path / "minutes", dataclasses.replace(SETTINGS, minutes=1e-9))
    assert (by_minutes.stopped_by, by_minutes.steps, by_minutes.epochs) == ("minutes", 1, 1)


def test_a_loss_that_is_no_number_stops_training_and_keeps_the_best_model(tmp_path, monkeypatch):
    step = Learner.step

    def poisoned(self, mixture, target):
        return step(self, mixture, target) * (math.nan if self.optimizer.state_dict()["state"][0]["step"] >= 9 else 1)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", poisoned)
        with pytest.raises(UserError, match=r"loss of 'tiny' became nan by step 9.* lower the variant's learning_rate"):
            train_tiny(tmp_path)
    assert model_facts(tmp_path / "model.safetensors")["step"] == 6
    assert not list((tmp_path / "states").glob("*000009*"))


def test_a_loss_that_explodes_stops_training(tmp_path, monkeypatch):
    losses = iter([1.0, 2.0, 900.0, 1001.0])
    monkeypatch.setattr(Learner, "step", lambda *_: torch.tensor(next(losses)))
    with pytest.raises(UserError, match="rose from 1 to 1e\\+03 by step 4"):
        train_tiny(tmp_path)


def test_vocals_that_are_silent_everywhere_stop_training_before_it_begins(tmp_path):
    silent = [np.concatenate([track[:4], np.zeros_like(track[4:])]) for track in TRAIN]
    with pytest.raises(UserError, match="vocals are silent in all 3 training tracks"):
        train_tiny(tmp_path, train_tracks=silent)
    with pytest.raises(UserError, match="vocals are silent in all 1 validation tracks"):
        train_tiny(tmp_path, valid_tracks=silent[:1])


def test_a_split_without_tracks_stops_training_before_it_begins(tmp_path):
    with pytest.raises(UserError, match="no track to validate on"):
        train_tiny(tmp_path, valid_tracks=[])
    with pytest.raises(UserError, match="no track to train on"):
        train_tiny(tmp_path, train_tracks=[], statistics=None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("device", ["toaster", "cuda:7"])
def test_a_device_that_is_not_there_is_named(tmp_path, device):
    with pytest.raises(UserError, match=f"'{device}'"):
        train_tiny(tmp_path, device=device)


def test_a_disk_that_is_full_leaves_the_state_before(tmp_path, monkeypatch):
    def full(self, state, step):  # noqa: ARG001
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", 0.0)
    interrupted_at(tmp_path, 5)
    with monkeypatch.context() as patch:
        patch.setattr(TrainingStates, "save", full)
        with pytest.raises(OSError, match="No space left"):
            train_tiny(tmp_path)
    assert train_tiny(tmp_path).notes == ("Training goes on after step 5.",)
