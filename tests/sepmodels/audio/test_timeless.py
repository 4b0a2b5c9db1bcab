"""Equal content gives equal files."""

import itertools
from pathlib import Path

import numpy as np
import soundfile
import torch

from sepmodels.audio import timeless
from sepmodels.audio.io import write_audio
from sepmodels.files import hash_file
from sepmodels.models.architectures import build_model
from sepmodels.models.model_file import load_model, save_model
from sepmodels.systems.variants import VARIANTS


def test_a_wav_of_equal_samples_is_an_equal_file_whenever_it_is_written(tmp_path: Path) -> None:
    waveform = np.random.default_rng(1).standard_normal((2, 1000)).astype(np.float32)
    write_audio(tmp_path / "song.wav", waveform, 44_100)
    assert b"PEAK" not in (tmp_path / "song.wav").read_bytes()  # the chunk that has the time
    read, rate_hz = soundfile.read(tmp_path / "song.wav", dtype="float32")
    assert np.array_equal(read.T, waveform)
    assert rate_hz == 44_100


def test_a_model_of_equal_weights_is_an_equal_file(tmp_path: Path) -> None:
    torch.manual_seed(1)
    variant = VARIANTS["open_unmix"]
    model = build_model(variant)
    hashes = set()
    for number in range(6):
        path = tmp_path / f"{number}.safetensors"
        save_model(path, model, variant, seed=42, best="é")
        hashes.add(hash_file(path))
    assert len(hashes) == 1
    loaded, _ = load_model(path)
    pairs = itertools.zip_longest(model.state_dict().items(), loaded.state_dict().items())
    assert all(name == other and torch.equal(tensor, same) for (name, tensor), (other, same) in pairs)


def test_a_header_that_cannot_be_sorted_in_its_place_stays(tmp_path: Path) -> None:
    text = b'{"__metadata__":{"b":"1","a":"\\u00e9"}}'
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"weights")
    timeless.sort_header(path)
    assert path.read_bytes().endswith(b"weights")
    assert len(path.read_bytes()) == 8 + len(text) + len(b"weights")
