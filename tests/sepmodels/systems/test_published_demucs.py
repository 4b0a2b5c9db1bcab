"""Demucs' own files of weights: read as data, and separated as the package of theirs does."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from demucs_infer.apply import BagOfModels, apply_model
from demucs_infer.demucs import Demucs
from demucs_infer.hdemucs import HDemucs
from demucs_infer.htdemucs import HTDemucs
from safetensors.torch import save_file

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.systems.added import Tracks
from sepmodels.systems.pretrained import Pretrained

SOURCES = ["drums", "bass", "other", "vocals"]
ARGUMENTS = {
    HTDemucs: {"channels": 8, "depth": 4, "bottom_channels": 0, "t_layers": 1, "nfft": 1024, "segment": Fraction(1, 2)},
    HDemucs: {"channels": 8, "depth": 4, "nfft": 1024, "segment": 1},
    Demucs: {"channels": 8, "depth": 2, "lstm_layers": 0, "segment": 1},
}
MIXTURE = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 3 * SAMPLE_RATE_HZ // 2)).astype(np.float32)


def write(kind: type, file: Path, monkeypatch: pytest.MonkeyPatch, seed: int = 0, sources: list[str] = SOURCES):
    """A file as Demucs' training writes it, of a small model with random weights; gives the model."""
    torch.manual_seed(seed)
    model = kind(sources, **ARGUMENTS[kind]).eval()
    monkeypatch.setattr(kind, "__module__", kind.__module__.replace("demucs_infer", "demucs"))
    content = {"klass": kind, "args": (sources,), "kwargs": ARGUMENTS[kind], "state": model.state_dict()}
    torch.save({**content, "training_args": {"lr": 3e-4}}, file)
    monkeypatch.undo()
    return model


def vocals(model: torch.nn.Module) -> np.ndarray:
    """By their own function, as their command calls it, without shifts."""
    wave = torch.from_numpy(MIXTURE)
    mono = wave.mean(0)
    estimate = apply_model(model, ((wave - mono.mean()) / (mono.std() + 1e-8))[None], shifts=0, overlap=0.25)
    return (estimate[0, 3] * (mono.std() + 1e-8) + mono.mean()).numpy()


def system(*files: Path, config: Path | None = None) -> Pretrained:
    return Pretrained("one", "One", "", architecture="demucs", checkpoint=files, config=config)


def heard(one: Pretrained) -> np.ndarray:
    with one.opened(Tracks()) as separate:
        return separate("song", MIXTURE).vocals


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_each_generation_of_demucs_separates_as_its_own_function_does(
    kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = write(kind, tmp_path / "a.th", monkeypatch)
    np.testing.assert_allclose(heard(system(tmp_path / "a.th")), vocals(model), atol=1e-6)


def test_a_file_of_safetensors_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write(HTDemucs, tmp_path / "a.th", monkeypatch)
    arguments = {**ARGUMENTS[HTDemucs], "segment": {"_type": "fraction", "numerator": 1, "denominator": 2}}
    told = {"klass": "demucs.htdemucs.HTDemucs", "args": json.dumps([SOURCES]), "kwargs": json.dumps(arguments)}
    save_file(model.state_dict(), tmp_path / "a.safetensors", told)
    np.testing.assert_allclose(heard(system(tmp_path / "a.safetensors")), vocals(model), atol=1e-6)


def test_several_files_are_averaged_by_the_weights_of_their_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tmp_path / "first-12ab.th", tmp_path / "second-34cd.th"
    models = [write(HDemucs, file, monkeypatch, seed) for seed, file in enumerate(files)]
    np.testing.assert_allclose(heard(system(*files)), vocals(BagOfModels(models)), atol=1e-6)
    weights = [[1.0, 1.0, 1.0, 3.0], [1.0, 1.0, 1.0, 1.0]]
    config = tmp_path / "both.yaml"
    config.write_text(yaml.safe_dump({"models": ["second", "first"], "weights": weights}))
    expected = vocals(BagOfModels([models[1], models[0]], weights))
    np.testing.assert_allclose(heard(system(*files, config=config)), expected, atol=1e-6)
    config.write_text(yaml.safe_dump({"models": ["second", "third"]}))
    with pytest.raises(UserError, match="names the model third: give its file too"):
        system(*files, config=config).check()
    config.write_text(yaml.safe_dump({"models": ["second", "first"], "weights": weights[:1]}))
    with pytest.raises(UserError, match="a weight for each"):
        system(*files, config=config).check()


def test_what_is_no_model_of_vocals_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(HDemucs, tmp_path / "drums.th", monkeypatch, sources=["kick", "snare"])
    with pytest.raises(
        UserError, match=r"drums\.th separates kick, snare in 2 channels at 44100 Hz: expected a model of"
    ):
        system(tmp_path / "drums.th").check()
    torch.save({"state": {}}, tmp_path / "other.th")
    with pytest.raises(UserError, match=r"other\.th is no model of Demucs: it names none of the classes"):
        system(tmp_path / "other.th").check()
    with pytest.raises(UserError, match="has no weights: name a file of them"):
        system().check()


def test_a_quantized_model_is_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(HDemucs, tmp_path / "a.th", monkeypatch)
    monkeypatch.setattr("sepmodels.systems.published_demucs.read_weights", lambda file, markers: quantized)
    quantized = {"klass": type("HDemucs", (), {}), "state": {"__quantized": True}}
    with pytest.raises(UserError, match="holds quantized weights: take the model that is not"):
        system(tmp_path / "a.th").check()
