"""Checkpoints of Music-Source-Separation-Training (https://github.com/ZFTurbo/Music-Source-Separation-Training).

A checkpoint goes with a configuration in YAML. The models' code is the package pymss-core's. A track is cut into chunks
and put together as that project's ``demix`` does it, so that the scores are those that its users know.
"""

import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.systems.weights_file import first_line, read_weights, read_yaml

_ADVICE = "name the configuration that was published with the model"
# What a model of one source may call all but the vocals.
_REST = frozenset({"accompaniment", "instrumental", "instrum", "no_vocals", "other"})


@dataclass(frozen=True)
class Chunks:
    """How a track is cut, in samples: chunks of that length, one every ``step``, faded over ``fade`` at both ends."""

    length: int
    step: int
    fade: int


def load_msst(architecture: str, files: Sequence[Path], config: Path | None) -> Callable[[np.ndarray], np.ndarray]:
    """What separates a mixture, float32 ``(2, sample)`` at 44.1 kHz, into its vocals, of the same shape.

    architecture: as ``--model_type`` has it there. files: one checkpoint. config: its YAML.

    Raises UserError for a file or a configuration that is none, and where the two do not fit each other.
    """
    if len(files) != 1 or config is None:
        raise UserError(f"A model of {architecture} is a checkpoint and its configuration: name one of each.")
    told = read_yaml(config)
    try:
        sources, chunks = _sources(told), _chunks(architecture, told)
        normalised = bool(told["inference"].get("normalize", False))
    except KeyError as fault:
        raise UserError(f"{config} is no configuration of {architecture}: it lacks {fault}.") from None
    except (TypeError, ValueError, AttributeError, ZeroDivisionError) as fault:
        raise UserError(f"{config} is no configuration of {architecture} ({first_line(fault)}): {_ADVICE}.") from None
    model = _model(architecture, files[0], config, told)

    def separate(mixture: np.ndarray) -> np.ndarray:
        wave = torch.from_numpy(np.ascontiguousarray(mixture))
        mono = wave.mean(0)
        offset, scale = (mono.mean(), mono.std()) if normalised else (torch.zeros(()), torch.ones(()))
        with torch.inference_mode():
            found = demix(model, (wave - offset) / scale, chunks, len(sources)) * scale + offset
        return np.asarray(_vocals(found, sources, wave).numpy())

    _vocals(torch.empty(len(sources), 0), sources, torch.empty(0))  # raises where there are none
    return separate


def demix(model: Callable[[Tensor], Tensor], wave: Tensor, chunks: Chunks, sources: int) -> Tensor:
    """The sources of a whole track: the weighted mean of what the model hears in chunks that overlap.

    Both ends are mirrored before, where the track is long enough, so that they are heard as often as the middle.

    Shape:
        wave: ``(2, sample)``; model: ``(1, 2, sample)`` -> ``(1, source, 2, sample)``, or without the source where
        there is one -> ``(source, 2, sample)``.
    """
    border = chunks.length - chunks.step if chunks.fade else 0
    border = border if wave.shape[-1] > 2 * border else 0
    padded = functional.pad(wave, (border, border), mode="reflect") if border else wave
    total, weights = torch.zeros(sources, *padded.shape), torch.zeros(padded.shape[-1])
    for start in range(0, padded.shape[-1], chunks.step):
        part = padded[:, start : start + chunks.length]
        heard = part.shape[-1]
        mode = "reflect" if chunks.fade and heard > chunks.length // 2 else "constant"
        whole = functional.pad(part, (0, chunks.length - heard), mode=mode)
        weight = _window(chunks, first=start == 0, last=start + chunks.step >= padded.shape[-1])[:heard]
        found = _heard(model, whole, sources)
        total[..., start : start + heard] += found[..., :heard] * weight
        weights[start : start + heard] += weight
    mean = torch.nan_to_num(total / weights)
    return mean[..., border : mean.shape[-1] - border]


def _heard(model: Callable[[Tensor], Tensor], chunk: Tensor, sources: int) -> Tensor:
    """The sources of one chunk; raises UserError where the model cannot hear it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # SCNet has no window, as it was trained
            found = model(chunk[None])
    except RuntimeError as fault:
        raise UserError(
            f"Chunks of {chunk.shape[-1]} samples cannot be heard ({first_line(fault)}): {_ADVICE}."
        ) from None
    if found.numel() != sources * chunk.numel():
        raise UserError(
            f"The model gives {tuple(found.shape)} for a chunk of {tuple(chunk.shape)}: expected {sources} sources as "
            f"long as it. {_ADVICE.capitalize()}."
        )
    return found.reshape(sources, *chunk.shape)


def _window(chunks: Chunks, *, first: bool, last: bool) -> Tensor:
    """Ones, which rise from 0 and fall to 0 over the fade, but for the track's own ends."""
    window = torch.ones(chunks.length)
    if not first:
        window[: chunks.fade] = torch.linspace(0, 1, chunks.fade)
    if not last and chunks.fade:
        window[-chunks.fade :] = torch.linspace(1, 0, chunks.fade)
    return window


def _sources(told: Mapping[str, Any]) -> list[str]:
    """What the model separates, in its order."""
    training = told["training"]
    one = training.get("target_instrument")
    return [one] if one else list(training["instruments"])


def _chunks(architecture: str, told: Mapping[str, Any]) -> Chunks:
    """Models of HTDemucs are not faded there; of all others a tenth of a chunk is.

    Nor is a chunk that nothing overlaps: it would fall to 0 at its ends, as it does there.
    """
    overlap = int(told["inference"]["num_overlap"])
    if architecture == "htdemucs":
        length = int(told["training"]["samplerate"] * told["training"]["segment"])
        return Chunks(length, length // overlap, 0)
    length = int(told["inference"].get("chunk_size") or told["audio"]["chunk_size"])
    return Chunks(length, length // overlap, length // 10 if overlap > 1 else 0)


def _vocals(found: Tensor, sources: Sequence[str], mixture: Tensor) -> Tensor:
    """The vocals among the sources, or the mixture minus the rest where the model has only that."""
    named = [name.lower() for name in sources]
    if "vocals" in named:
        return found[named.index("vocals")]
    if len(named) == 1 and named[0] in _REST:
        return mixture - found[0]
    raise UserError(f"This model separates {', '.join(sources)}: expected one of vocals.")


def _model(architecture: str, file: Path, config: Path, told: Mapping[str, Any]) -> nn.Module:
    """The model of that configuration with its weights."""
    import yaml  # type: ignore[import-untyped]
    from pymss_core import get_model_from_config, unwrap_state_dict

    rate = told.get("audio", {}).get("sample_rate", told["training"].get("samplerate", SAMPLE_RATE_HZ))
    if rate != SAMPLE_RATE_HZ:
        raise UserError(f"{config} is of a model at {rate} Hz: expected one at {SAMPLE_RATE_HZ} Hz.")
    weights = unwrap_state_dict(dict(read_weights(file)))
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as plain:
        yaml.safe_dump(dict(told), plain)  # the package's own reader may follow tags that run code
        plain.flush()
        try:
            model, _ = get_model_from_config(architecture, plain.name)
        except Exception as fault:  # whatever an architecture makes of settings that it cannot have
            raise UserError(f"{config} makes no model of {architecture} ({first_line(fault)}).") from fault
    try:
        model.load_state_dict(weights, strict=True)
    except (RuntimeError, AttributeError, TypeError) as fault:
        raise UserError(
            f"{file} does not fit {config} ({_mismatch(fault)}): name the configuration that was published with it."
        ) from None
    made: nn.Module = model.eval()
    return made


def _mismatch(fault: BaseException) -> str:
    """What torch says of the first weight that does not fit."""
    lines = str(fault).splitlines()
    return (lines[1] if len(lines) > 1 else lines[0]).strip()[:200]
