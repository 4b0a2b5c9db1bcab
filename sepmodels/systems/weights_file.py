"""Weights and configurations in files that others made, read so that no file can run code."""

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sepmodels.errors import UserError
from sepmodels.marks import no_part_of_a_result


def read_weights(file: Path, markers: Sequence[tuple[type, str]] = ()) -> Mapping[str, Any]:
    """The tensors in a file of safetensors or of torch's, by name.

    markers: classes of ours that stand in for classes that a file of torch's names, with their dotted names there.

    Raises UserError for a file that is neither, and for a pickle that holds more than tensors and arrays: to read that
    would run its code.
    """
    if file.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(file)
        except SafetensorError as fault:
            raise UserError(f"{file} is no file of safetensors ({fault}): download it again.") from None
    try:
        with numpy_allowed(markers), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of another pickle protocol; what it cannot read it refuses
            found = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise _no_weights(file) from None
    except (RuntimeError, EOFError, OSError, ValueError) as fault:
        raise UserError(f"{file} holds no weights ({first_line(fault)}): download it again.") from None
    if not isinstance(found, Mapping):
        raise UserError(f"{file} holds a {type(found).__name__}, not weights by name: expected a state dict.")
    return found


@no_part_of_a_result("which sentence an error has")
def _no_weights(file: Path) -> UserError:
    """The error for what torch does not unpickle, which it says of any other file as well."""
    with file.open("rb") as opened:
        begin = opened.read(1)
    if begin != pickle.PROTO and not zipfile.is_zipfile(file):
        return UserError(f"{file} is no checkpoint: expected weights of safetensors' or torch's format.")
    return UserError(
        f"{file} is a pickle that holds more than weights, and reading it could run its code: get the weights as "
        "safetensors, or as a state dict of torch's."
    )


def numpy_allowed(markers: Sequence[tuple[type, str]] = ()) -> Any:
    """Let files hold arrays and numbers of numpy's, as tensors may be: they are data as well. And these markers."""
    from numpy._core.multiarray import _reconstruct, scalar

    kinds = (np.dtypes.Float32DType, np.dtypes.Float64DType, np.dtypes.Int64DType)
    allowed: list[Any] = [
        (_reconstruct, "numpy.core.multiarray._reconstruct"),
        _reconstruct,
        (scalar, "numpy.core.multiarray.scalar"),
        scalar,
        np.ndarray,
        np.dtype,
        *kinds,
        *markers,
    ]
    return torch.serialization.safe_globals(allowed)


def read_yaml(file: Path) -> dict[str, Any]:
    """The content of a YAML file as plain values; raises UserError for a file that is none, or no mapping.

    Tuples of Python's become lists, and ``1e-4`` is a number. Any other tag of Python's is refused.
    """
    import yaml  # type: ignore[import-untyped]

    class Plain(yaml.SafeLoader):  # type: ignore[misc]
        pass

    Plain.add_constructor("tag:yaml.org,2002:python/tuple", lambda loader, node: loader.construct_sequence(node))
    Plain.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+[eE][-+]?[0-9]+$"), "-+0123456789")
    try:
        found = yaml.load(file.read_text(encoding="utf-8"), Plain)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as fault:
        raise UserError(
            f"{file} is no configuration in YAML ({first_line(fault)}): name the one of the model."
        ) from None
    if not isinstance(found, dict):
        raise UserError(f"{file} is no configuration in YAML: expected names with values.")
    return found


def first_line(fault: BaseException) -> str:
    """The first line of what an error says, or its kind where it says nothing."""
    return next(iter(str(fault).splitlines()), type(fault).__name__)
