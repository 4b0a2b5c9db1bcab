"""Demucs' own models (https://github.com/facebookresearch/demucs), by the code of the package demucs-infer.

A file of theirs holds weights, the name of a class and its arguments. The class is looked up by its name in a short
list, and never taken from the file.
"""

import warnings
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.systems.weights_file import first_line, read_weights, read_yaml

OVERLAP = 0.25  # of a segment, as Demucs' own command has it
_MODULES = {"Demucs": "demucs", "HDemucs": "hdemucs", "HTDemucs": "htdemucs"}
# What stands in for each class while a file is read.
_MARKERS = {name: type(name, (), {}) for name in _MODULES}


def load_demucs(files: Sequence[Path], config: Path | None) -> Callable[[np.ndarray], np.ndarray]:
    """What separates a mixture, float32 ``(2, sample)`` at 44.1 kHz, into its vocals, of the same shape.

    files: one, or several whose mean counts. config: of several, the file of theirs that names and weighs them.

    Segments overlap by a quarter and the input is normalised, as Demucs' own command does it. Its random shifts are
    left out, so that the same track gives the same estimate.
    """
    from demucs_infer.apply import BagOfModels, apply_model

    if not files:
        raise UserError("No file of weights was named: name those of Demucs (--checkpoint FILE, once for each).")
    told = read_yaml(config) if config else {}
    models = [_model(file) for file in _in_order(files, told.get("models"), config)]
    try:
        model = BagOfModels(models, told.get("weights"), told.get("segment"))
    except AssertionError:
        raise UserError(
            f"{', '.join(file.name for file in files)} cannot be averaged: expected models of the same sources and "
            "sample rate, and in the configuration a weight for each."
        ) from None
    if "vocals" not in model.sources or model.samplerate != SAMPLE_RATE_HZ or model.audio_channels != 2:
        raise UserError(
            f"{files[0]} separates {', '.join(model.sources)} in {model.audio_channels} channels at "
            f"{model.samplerate} Hz: expected a model of vocals, in stereo at {SAMPLE_RATE_HZ} Hz."
        )
    vocals = model.sources.index("vocals")

    def separate(mixture: np.ndarray) -> np.ndarray:
        wave = torch.from_numpy(np.ascontiguousarray(mixture))
        mono = wave.mean(0)
        offset, scale = mono.mean(), mono.std() + 1e-8
        with torch.inference_mode():
            sources = apply_model(model, ((wave - offset) / scale)[None], shifts=0, overlap=OVERLAP)
        return np.asarray((sources[0, vocals] * scale + offset).numpy())

    return separate


def _model(file: Path) -> Any:
    """The model of one file, with its weights."""
    from demucs_infer.safetensors import load_safetensors_model

    try:
        return (load_safetensors_model(file) if file.suffix == ".safetensors" else _of_package(file)).eval()
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as fault:
        raise UserError(f"{file} is no model of Demucs ({first_line(fault)}).") from None


def _of_package(file: Path) -> Any:
    """The model of a file of torch's, as Demucs writes it."""
    from demucs_infer import demucs, hdemucs, htdemucs, states

    markers = [(marker, f"demucs.{_MODULES[name]}.{name}") for name, marker in _MARKERS.items()]
    package = read_weights(file, [*markers, (Fraction, "fractions.Fraction")])
    name = getattr(package.get("klass"), "__name__", "")
    if name not in _MODULES:
        raise UserError(f"{file} is no model of Demucs: it names none of the classes {', '.join(_MODULES)}.")
    if package["state"].get("__quantized"):
        raise UserError(f"{file} holds quantized weights: take the model that is not (without _q in its name).")
    kind = getattr({"demucs": demucs, "hdemucs": hdemucs, "htdemucs": htdemucs}[_MODULES[name]], name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of arguments that only training takes
        return states.load_model({**package, "klass": kind, "kwargs": dict(package["kwargs"])})


def _in_order(files: Sequence[Path], named: Sequence[str] | None, config: Path | None) -> Sequence[Path]:
    """The files in the order in which the configuration names them, by the part of each name before a dash."""
    if not named:
        return files
    there = {file.stem.partition("-")[0]: file for file in files}
    if lacking := [name for name in named if name not in there]:
        raise UserError(f"{config} names the model {lacking[0]}: give its file too (--checkpoint {lacking[0]}-....th).")
    return [there[name] for name in named]
