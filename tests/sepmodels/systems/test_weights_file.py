"""Files of others: weights and configurations are data, and reading one never runs code."""

import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sepmodels.errors import UserError
from sepmodels.systems.weights_file import read_weights, read_yaml


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("/tmp/sepbench-evil"),))


def test_a_pickle_that_could_run_code_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    for name, write in (("a.pth", torch.save), ("b.ckpt", lambda what, file: file.write_bytes(pickle.dumps(what)))):
        write({"weight": Evil()}, tmp_path / name)
        with pytest.raises(UserError, match="is a pickle that holds more than weights"):
            read_weights(tmp_path / name)
    assert not Path("/tmp/sepbench-evil").exists()


def test_what_is_no_file_of_weights_is_named(tmp_path: Path) -> None:
    for name, said in (
        ("a.pth", "is no checkpoint"),
        ("mine.py", "is no checkpoint"),
        ("b.safetensors", "is no file of"),
    ):
        (tmp_path / name).write_bytes(b"no weights at all")
        with pytest.raises(UserError, match=f"{name} {said}"):
            read_weights(tmp_path / name)


def test_numbers_of_numpy_beside_the_weights_are_read(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.ones(2)}, "best": np.float64(3.5), "curve": np.ones(3)}, tmp_path / "a.ckpt")
    assert read_weights(tmp_path / "a.ckpt")["best"] == 3.5


def test_a_class_that_is_named_in_a_file_is_only_a_marker(tmp_path: Path) -> None:
    marker = type("Fraction", (), {})
    torch.save({"klass": Fraction}, tmp_path / "a.th")
    assert read_weights(tmp_path / "a.th", [(marker, "fractions.Fraction")])["klass"] is marker


def test_a_configuration_gives_plain_values(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text(yaml.dump({"bands": (2, 3), "lr": 0.1}) + "rate: 1e-4\n")
    assert read_yaml(file) == {"bands": [2, 3], "lr": 0.1, "rate": 1e-4}


@pytest.mark.parametrize(
    "text", ["!!python/object/apply:os.getcwd []", "a: !!python/name:os.system", "[1, 2]", "a: [", "\0"]
)
def test_what_is_no_plain_configuration_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.yaml").write_text(text)
    with pytest.raises(UserError, match=r"model\.yaml is no configuration in YAML"):
        read_yaml(tmp_path / "model.yaml")
