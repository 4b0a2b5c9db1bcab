"""What is recorded of a training's first steps: the same however it was interrupted, and the same when done again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from assets.making.checkpoint import hash_weights
from sepmodels.dataset.bin_statistics import bin_statistics
from sepmodels.settings import TrainingSettings
from sepmodels.training import preparation
from sepmodels.training.first_steps import Record, first_difference, small_part
from sepmodels.training.rehearsal import rehearse
from sepmodels.training.run_folder import beginning, trained_by
from tests.training_parts import SAMPLE_RATE_HZ, SETTINGS, TINY, TRAIN, VALID, train_tiny


def again(recorded: Record, settings: TrainingSettings = SETTINGS, seed: int = 1) -> Record:
    return rehearse(
        TINY,
        settings,
        recorded=recorded,
        train_tracks=TRAIN,
        valid_tracks=VALID,
        statistics=bin_statistics([track[0] for track in TRAIN], n_fft=128, hop=64),
        seed=seed,
        device="cpu",
        sample_rate_hz=SAMPLE_RATE_HZ,
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Record:
    folder = tmp_path_factory.mktemp("undisturbed")
    train_tiny(folder)
    found = beginning(folder)
    assert found is not None
    return found


def test_a_training_keeps_the_losses_of_its_first_epoch_at_most_the_weights_after_them_and_a_small_validation(
    recorded: Record,
) -> None:
    assert recorded["steps"] == len(recorded["losses"]) == 6
    assert recorded["validation_loss"] > 0
    assert recorded["made_on"]["device"] == "cpu"


@pytest.mark.parametrize("step", [1, 3, 5, 6, 7])
def test_the_record_of_a_training_that_was_stopped_and_went_on_is_that_of_an_undisturbed_one(
    tmp_path: Path, recorded: Record, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr("sepmodels.training.loop.SHOW_EVERY_SECONDS", 0.0)

    def stop(done: int, _total: int, _unit: str, **_figures: float) -> None:
        if done == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_tiny(tmp_path, progress=stop)
    train_tiny(tmp_path)
    assert beginning(tmp_path) == recorded


@pytest.mark.parametrize("change", [{}, {"ema_decay": 0.9}, {"warmup_steps": 4, "gradient_clip": 0.5}])
def test_the_same_code_comes_to_the_same_record_again(tmp_path: Path, change: dict[str, float]) -> None:
    settings = replace(SETTINGS, **change)
    train_tiny(tmp_path, settings)
    found = beginning(tmp_path)
    assert found is not None
    assert again(found, settings) == found
    assert "the loss of step 1 was" in first_difference(found, again(found, settings, seed=2))


@pytest.mark.slow
def test_several_processes_come_to_the_same_record_again(tmp_path: Path) -> None:
    settings = replace(SETTINGS, processes=2)
    train_tiny(tmp_path, settings)
    found = beginning(tmp_path)
    assert found is not None
    assert again(found, settings) == found


def test_a_record_changes_nothing_of_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train_tiny(tmp_path / "recorded")
    monkeypatch.setattr(preparation, "_first_look", lambda *_: {})
    train_tiny(tmp_path / "unrecorded")
    first, second = (hash_weights(tmp_path / name / "model.safetensors") for name in ("recorded", "unrecorded"))
    assert first == second


def test_one_weight_that_differs_is_a_difference(recorded: Record) -> None:
    assert first_difference(recorded, {**recorded, "weights": "other"}) == "the weights after step 6 are others"
    assert first_difference(recorded, dict(recorded)) == ""


def test_the_small_part_is_of_a_track_with_vocals_if_there_is_one() -> None:
    silent = VALID[0].copy()
    silent[-1] = 0
    (part,) = small_part([silent, VALID[1]], SAMPLE_RATE_HZ)
    assert part.base is VALID[1] or torch.equal(torch.from_numpy(part.copy()), torch.from_numpy(VALID[1].copy()))
    assert small_part([silent], SAMPLE_RATE_HZ)[0].shape == silent.shape


@pytest.mark.parametrize("change", [("made_from", "code", "other"), ("beginning", "steps", 5), ("report", "seed", 9)])
def test_a_note_of_a_training_that_somebody_changed_is_no_note(tmp_path: Path, change: tuple[str, str, object]) -> None:
    first = train_tiny(tmp_path, code_version="1")
    assert train_tiny(tmp_path, code_version="1", keep_finished=True) == first
    file = tmp_path / "training.json"
    note = json.loads(file.read_text())
    group, name, value = change
    note[group][name] = value
    file.write_text(json.dumps(note))
    assert beginning(tmp_path) is None
    changed = file.read_text()
    train_tiny(tmp_path, code_version="other" if group == "made_from" else "1", keep_finished=True)
    assert file.read_text() != changed  # it was trained again


def test_what_code_trained_that_was_accepted_as_the_same_is_kept_and_says_so(tmp_path: Path) -> None:
    first = train_tiny(tmp_path, code_version="1")
    again = train_tiny(tmp_path, code_version="2", accepted_versions=("0", "1"), keep_finished=True)
    assert again == first
    assert trained_by(tmp_path) == "1"
    assert train_tiny(tmp_path, code_version="2", accepted_versions=("0",), keep_finished=True) != first
