"""Models on disk: safetensors, with the whole configuration in the file's metadata."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from sepmodels.audio.timeless import sort_header
from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.marks import words_only
from sepmodels.models.architectures import build_model
from sepmodels.systems.variants import Variant, configuration

FORMAT = "sepbench model 1"


def save_model(path: Path, model: nn.Module, variant: Variant, **facts: Any) -> None:
    """Write a model's weights and buffers, and in the file's metadata the variant it is one of, as JSON.

    facts: anything else to keep beside (seed, validation loss...), of JSON's types.
    The file is whole or absent.
    """
    described = configuration(variant) | {"name": variant.name, "title": variant.title, "summary": variant.summary}
    metadata = {
        "format": FORMAT,
        "variant": json.dumps(described),
        "sample_rate_hz": str(model.sample_rate_hz),
        "facts": json.dumps(facts),
    }
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with replacing(path) as temporary:
        save_file(weights, temporary, metadata)
        sort_header(temporary)


def load_model(
    path: Path, *, expect: Variant | None = None, device: str | torch.device = "cpu"
) -> tuple[nn.Module, Variant]:
    """Read a model that :func:`save_model` wrote, ready to separate: in evaluation mode, on ``device``.

    The file is all that is needed: it says how the model is built, and which target it separates. Raises UserError
    when it is missing, damaged, not one of this project's, or (with ``expect``) of another configuration than that
    variant.
    """
    metadata, weights = _read(path)
    variant = _variant(path, metadata)
    if expect is not None and configuration(expect) != configuration(variant):
        raise UserError(f"{path} holds {_difference(variant, expect)}: train {expect.name!r} again.")
    try:
        model = build_model(variant, sample_rate_hz=int(metadata["sample_rate_hz"]))
        model.load_state_dict(weights)
    except (RuntimeError, UserError) as error:
        raise UserError(
            f"{path} does not fit the architecture {variant.architecture!r} as it is now "
            f"({str(error).splitlines()[0]}): train {variant.name!r} again."
        ) from error
    return model.eval().to(device), variant


def read_variant(path: Path) -> Variant:
    """The variant that a model is one of, without its weights; raises UserError as :func:`load_model` does."""
    metadata, _ = _read(path)
    return _variant(path, metadata)


def _read(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    if not path.is_file():
        raise UserError(f"There is no model at {path}: train the variant first, or name its model.safetensors.")
    try:
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata() or {}
            weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise UserError(f"{path} is damaged or not a model ({error}): train it again or restore the file.") from error
    if metadata.get("format") != FORMAT:
        raise UserError(f"{path} is not a model of this project: a model.safetensors that sepbench wrote is expected.")
    return metadata, weights


def _variant(path: Path, metadata: dict[str, str]) -> Variant:
    try:
        return Variant(**json.loads(metadata["variant"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} describes its variant in a way that is not understood: train it again.") from error


@words_only
def _difference(found: Variant, wanted: Variant) -> str:
    """The first setting in which two variants differ, in words."""
    a, b = configuration(found), configuration(wanted)
    name = next(name for name in {**a, **b} if a.get(name) != b.get(name))
    one, other = (getattr(variant, name) for variant in (found, wanted))
    return f"{found.name!r} with {name} {one!r}, not {wanted.name!r} with {name} {other!r}"
