"""A system: whatever can be a row of the table. What its kind decides stands here, and nowhere else.

A new kind is one class beside :class:`~sepmodels.systems.variants.Variant`, with these attributes; what tells kinds
apart elsewhere asks for one of them, never for a kind's name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Literal, TypeVar

import numpy as np

from sepmodels.marks import no_part_of_a_result

# apart: what a row is whose tracks are not those of the others; no kind of system is always.
Place = Literal["floor", "ranked", "apart", "ceiling", "elsewhere"]
PLACES: tuple[Place, ...] = ("floor", "ranked", "apart", "ceiling", "elsewhere")  # from the top of the table to its end
UNSEEDED = (0,)  # the one seed, in tables and folders, of what is not trained here
# Words about a system make no number stale.
WORDS_ONLY = MappingProxyType({"speed_only": True})

SomeSystem = TypeVar("SomeSystem", bound="System")


@dataclass(frozen=True)
class System:
    """What all kinds of systems share.

    name: identifier in asset keys, tables, file names and on the command line.
    title: what tables show.
    summary: one sentence on what it is.

    Of a kind:
        kind: what it is called in results.
        says: a sentence that tells a reader of the table what the kind is.
        chain: the steps that make its scores, in their order: of "checkpoint", "estimates" and "scores".
        seeded: whether each seed is a training of its own.
        compared: whether the table tests it against the baseline.
        scored_here: whether its scores are computed here; else they came from elsewhere.
        may_lack_tracks: whether it may have estimates of some test tracks only.
    """

    name: str
    title: str = field(metadata=WORDS_ONLY)
    summary: str = field(metadata=WORDS_ONLY)

    kind: ClassVar[str]
    says: ClassVar[str]
    chain: ClassVar[tuple[str, ...]] = ()
    seeded: ClassVar[bool] = False
    compared: ClassVar[bool] = False
    scored_here: ClassVar[bool] = True
    may_lack_tracks: ClassVar[bool] = False

    @property
    def words(self) -> str:
        """What it is: its kind, and its own summary."""
        return f"{self.says} {self.summary}".strip()

    @property
    def place(self) -> Place:
        """Where it stands in the table: a floor, ranked among its like, a ceiling, or scored elsewhere."""
        return "ranked"

    @property
    def group(self) -> str:
        """The group of its assets in the graph."""
        return self.name

    def seeds_of(self, trainings: Sequence[int]) -> tuple[int, ...]:
        """The seeds that it has products of, where ``trainings`` are those that systems are trained with."""
        return tuple(trainings) if self.seeded else UNSEEDED

    @property
    def functions(self) -> tuple[str, ...]:
        """``module:name`` of what decides its estimates and is only known at run time."""
        return ()

    @property
    def rest_is_accompaniment(self) -> bool:
        """Whether its accompaniment is the mixture minus its vocals; else both targets have the same estimate."""
        return True

    @no_part_of_a_result("which files are read: their content is hashed")
    def on(self: SomeSystem, test_set: str) -> SomeSystem | None:  # noqa: ARG002
        """The system on another test set than the profile's own; None where nothing was given for that."""
        return self

    @no_part_of_a_result("a sentence says it, and nothing reads it")
    def given_for(self, test_set: str) -> str:  # noqa: ARG002
        """Where what a person gives of it for another test set belongs; empty where nothing has to be given."""
        return ""

    def separate(self, stems: np.ndarray) -> np.ndarray:
        """A test track's vocals, where the chain has scores but no estimates.

        Shape:
            stems: int16 ``(5, 2, sample)``, mixture first -> float32 ``(2, sample)``.
        """
        raise NotImplementedError(f"{self.name} has estimates on disk, or none at all.")


def in_table_order(systems: Iterable[SomeSystem]) -> list[SomeSystem]:
    """Floors, those that are ranked, ceilings, those scored elsewhere; within these as they come."""
    return sorted(systems, key=lambda system: PLACES.index(system.place))
