"""What a step of the benchmark is given, and what it gives back: plain values, so that steps know no Dagster."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assets.paths import Paths
from sepmodels.progress import Progress, Say, silent
from sepmodels.report.how_made import Origin
from sepmodels.settings import Profile
from sepmodels.systems.system import System
from sepmodels.systems.variants import Variant


def _log_nothing(figures: Mapping[str, float], step: int) -> None:
    pass


def _say_nothing(sentence: str) -> None:
    pass


def _know_nothing() -> Sequence[Origin]:
    return ()


@dataclass(frozen=True)
class Job:
    """One step's work.

    system: whose chain the step is in; None for the steps that all chains share.
    systems: all that the benchmark makes, in the order of the graph.
    name: of the system; empty for the steps that all chains share.
    own, variant: the system, for the steps that every chain has, and for those that only a trained system has.
    code_version: of the step, whatever the seeds are; what was made in part by another version is not gone on with.
    accepted_versions: other versions of the step's code that a person has said to make the same; what they made in part
        is gone on with.
    anew: whether it was asked for although nothing has changed: then nothing that was made before is kept.
    log: takes figures of a training step, for curves.
    say: takes a sentence for the run's log.
    origins: gives when and by what each product of the benchmark was made, as far as it is known.
    """

    profile: Profile
    paths: Paths
    system: System | None = None
    systems: tuple[System, ...] = ()
    code_version: str = ""
    accepted_versions: tuple[str, ...] = ()
    anew: bool = False
    log: Callable[[Mapping[str, float], int], None] = field(default=_log_nothing)
    progress: Progress = field(default=silent)
    say: Say = field(default=_say_nothing)
    origins: Callable[[], Sequence[Origin]] = field(default=_know_nothing)

    name: str = field(init=False)
    own: System = field(init=False)
    variant: Variant = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.system.name if self.system else "")
        object.__setattr__(self, "own", self.system)
        object.__setattr__(self, "variant", self.system)


@dataclass(frozen=True)
class Made:
    """What a step made.

    content: hash of the product's content (arrays and tables, not their containers): its data version.
    figures: numbers and short texts worth seeing beside it.
    kept_from: the accepted versions of code by which parts of it were made that stand.
    records: of JSON's types, to be compared with when a part of the product is made again.
    """

    content: str
    figures: Mapping[str, float | int | str] = field(default_factory=dict)
    kept_from: frozenset[str] = frozenset()
    records: Mapping[str, Any] = field(default_factory=dict)
