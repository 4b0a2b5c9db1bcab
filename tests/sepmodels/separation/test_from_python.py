"""A model file separates arrays in a few lines of Python, as the page says."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sepmodels.errors import UserError
from sepmodels.models.architectures import build_model
from sepmodels.models.model_file import load_model, save_model
from sepmodels.separation.from_python import ModelSeparator
from sepmodels.separation.separate import separate_song
from sepmodels.settings import SeparationSettings
from sepmodels.systems.variants import VARIANTS
from tests.conftest import PROJECT

VARIANT = replace(VARIANTS["open_unmix"], settings={"hidden": 8, "layers": 1})
MIXTURE = np.random.default_rng(0).normal(0, 0.1, (2, 30_000)).astype(np.float32)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    save_model(path, build_model(VARIANT), VARIANT)
    return path


def test_the_example_of_the_page_separates_as_the_model_of_the_file_does(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (PROJECT / "docs" / "separating.md").read_text(encoding="utf-8").partition("## In Python\n")[2]
    example = re.search(r"```python\n(.*?)```", page, flags=re.S)
    assert example
    monkeypatch.chdir(file.parent)
    names: dict[str, object] = {"mixture": MIXTURE}
    exec(example[1], names)
    model, variant = load_model(file)
    expected = separate_song(model, MIXTURE, 44_100, SeparationSettings())
    assert variant == VARIANT
    np.testing.assert_array_equal(names["vocals"], expected)
    np.testing.assert_array_equal(names["accompaniment"], MIXTURE - expected)


def test_the_wiener_filter_and_the_settings_are_those_that_are_asked_for(file: Path) -> None:
    settings = SeparationSettings(segment_seconds=0.5, overlap_seconds=0.1)
    expected = separate_song(load_model(file)[0], MIXTURE, 44_100, settings, wiener_iterations=1)
    found = ModelSeparator(file, wiener_iterations=1, settings=settings)(MIXTURE, 44_100)
    np.testing.assert_array_equal(found, expected)


def test_what_numpy_makes_an_array_of_is_separated_as_that(file: Path) -> None:
    separator = ModelSeparator(str(file))
    expected = separator(MIXTURE, 22_050)
    for given in (torch.from_numpy(MIXTURE), MIXTURE.tolist()):
        np.testing.assert_array_equal(separator(given, 22_050), expected)


@pytest.mark.parametrize(
    ("mixture", "message"),
    [
        (MIXTURE[0], r"shape \(30000,\) and type float32 cannot be separated: give floats in \[-1, 1\] as \(channel"),
        (MIXTURE.astype(np.int16), "type int16 cannot be separated"),
        (MIXTURE.T, "has 30000 channels, and only mono and stereo"),
        ([[0.1], [0.1, 0.2]], "cannot be made an array of numpy: .*inhomogeneous"),
    ],
    ids=["one axis", "integers", "the other order", "uneven lists"],
)
def test_what_cannot_be_separated_is_named(file: Path, mixture: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        ModelSeparator(file)(mixture, 44_100)  # type: ignore[arg-type]
