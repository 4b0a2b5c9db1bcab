import dataclasses
import shutil

import pytest
import torch
from safetensors.torch import save_file

from sepmodels.errors import UserError
from sepmodels.models.architectures import build_model
from sepmodels.models.model_file import load_model, save_model
from sepmodels.training.run_folder import TrainingStates
from tests.training_parts import SAMPLE_RATE_HZ, TINY, model_facts


@pytest.fixture
def saved(tmp_path):
    """A tiny model with batch-norm statistics of its own, and the file it was saved to."""
    torch.manual_seed(0)
    model = build_model(TINY, sample_rate_hz=SAMPLE_RATE_HZ)
    model(torch.randn(2, 2, 2000))
    path = tmp_path / "model.safetensors"
    save_model(path, model, TINY, seed=7)
    return model.eval(), path


def test_one_file_is_enough_to_get_the_model_back(saved, tmp_path):
    model, path = saved
    elsewhere = shutil.copy(path, tmp_path / "sent-by-mail.safetensors")
    loaded, variant = load_model(elsewhere, expect=TINY)
    mixture = torch.randn(1, 2, 3000)
    assert torch.equal(loaded(mixture).waveform, model(mixture).waveform)
    assert not loaded.training
    assert loaded.sample_rate_hz == SAMPLE_RATE_HZ
    assert variant == TINY
    assert model_facts(path) == {"seed": 7}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"settings": {"hidden": 16}}, "settings"),
        ({"loss": "magnitude_l1"}, "loss"),
        ({"learning_rate": 1e-4}, "learning_rate"),
        ({"architecture": "transformer"}, "architecture"),
    ],
)
def test_a_model_of_another_configuration_is_refused_and_the_difference_named(saved, change, named):
    with pytest.raises(UserError, match=f"model.safetensors holds 'tiny' with {named} .* train 'tiny' again"):
        load_model(saved[1], expect=dataclasses.replace(TINY, **change))


def test_a_variants_name_and_words_may_change(saved):
    load_model(saved[1], expect=dataclasses.replace(TINY, name="small", title="Small", summary="Other words."))


def test_a_damaged_model_is_named_with_what_to_do(saved):
    path = saved[1]
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"model\.safetensors is damaged or not a model .* train it again"):
        load_model(path)


def test_a_safetensors_file_of_another_project_is_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(UserError, match=r"other\.safetensors is not a model of this project"):
        load_model(path)


def test_a_model_of_an_architecture_that_has_changed_since_is_refused(saved, tmp_path):
    model, _ = saved
    del model.fc3
    path = tmp_path / "old.safetensors"
    save_model(path, model, TINY)
    with pytest.raises(UserError, match="does not fit the architecture 'open_unmix' as it is now"):
        load_model(path)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no model at .*none\.safetensors"):
        load_model(tmp_path / "none.safetensors")


def test_the_last_two_training_states_are_kept(tmp_path):
    states = TrainingStates(tmp_path)
    for step in (5, 10, 15):
        states.save({"step": step, "weight": torch.full((3,), float(step))}, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state-000000010.pt", "state-000000015.pt"]
    latest = states.latest()
    assert latest["step"] == 15
    assert latest["weight"].tolist() == [15.0] * 3


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:-400] + b"!" + data[-399:], lambda _: b""]
)
def test_a_damaged_state_is_passed_over_for_the_one_before(tmp_path, damage, caplog):
    states = TrainingStates(tmp_path)
    for step in (5, 10):
        states.save({"step": step}, step)
    newest = tmp_path / "state-000000010.pt"
    newest.write_bytes(damage(newest.read_bytes()))
    assert states.latest() == {"step": 5}
    assert f"{newest} is damaged" in caplog.text


def test_without_a_state_there_is_none(tmp_path):
    assert TrainingStates(tmp_path / "nowhere").latest() is None


def test_a_state_that_cannot_be_written_leaves_the_ones_before(tmp_path):
    states = TrainingStates(tmp_path)
    states.save({"step": 1}, 1)
    with pytest.raises(Exception, match=r"pickle|local object"):  # Python's own words, by its version
        states.save({"step": lambda: None}, 2)
    assert states.latest() == {"step": 1}
    assert len(list(tmp_path.iterdir())) == 1
