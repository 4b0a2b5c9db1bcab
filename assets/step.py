"""One step of the graph, as plain data: what it makes, and what it needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.job import Job, Made
from assets.paths import Paths
from sepmodels.dataset.other_test_sets import TestSet
from sepmodels.settings import Profile
from sepmodels.systems.system import System

SEEDS = "seeds"  # the setting that says which trainings there are


@dataclass(frozen=True)
class Step:
    """One asset.

    path: its key below the profile's name.
    make: the function that makes it; its code, and all it reaches, is the asset's code version.
    needs: paths of the steps whose products it reads.
    settings: what it depends on beside code and data, by name.
    reaches: what ``make`` imports by a name that is only known at run time ("module" or "module:name").
    libraries: distributions (and ``ffmpeg``, the program) whose version decides the product.
    files: gives the file, or the folder of files, that it reads and that no step makes.
    beside: a folder outside the project whose modules ``reaches`` names, too; or the file of one such module.
    pool: of Dagster, to limit how many such steps run at once.
    system: whose chain it is in; None for the steps that all chains share.
    test_set: the test set that it is on, in place of the profile's own test split.
    """

    path: tuple[str, ...]
    make: Callable[[Job], Made]
    group: str
    description: str
    needs: tuple[tuple[str, ...], ...] = ()
    kinds: frozenset[str] = frozenset()
    settings: Mapping[str, Any] = field(default_factory=dict)
    reaches: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    files: Callable[[Profile, Paths], Path | None] | None = None
    beside: Path | None = None
    pool: str | None = None
    system: System | None = None
    test_set: TestSet | None = None

    @property
    def name(self) -> str:
        """The system's name; empty for a step that all chains share."""
        return self.system.name if self.system else ""

    @property
    def part(self) -> tuple[str, ...]:
        """The path of what it makes; of a step on another test set, that of the same on the profile's own."""
        if self.test_set is None:
            return self.path
        return ("stems", "test") if self.path[0] == "stems" else self.path[:-1]
