"""A part under way, as the head sees it, and when it is given up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sepmodels.cluster.engine import Away
from sepmodels.cluster.events import Tail
from sepmodels.cluster.orders import Order
from sepmodels.cluster.part import Part, PartFolder, Result


@dataclass
class Going:
    """A part, who makes it, and how far it has come."""

    part: Part
    folder: PartFolder
    tail: Tail
    order: Order
    job: str = ""
    is_to_begin: bool = True  # and is not in the engine's hands
    lost: int = 0  # attempts in a row that ended without having come further
    done: int = 0
    total: int = 0
    unit: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    furthest: int = 0
    heard_at: float | None = None  # of the monotonic clock; none before it runs
    gone_at: float | None = None
    why_silent: str = ""
    result: Result | None = None

    def come_to(self, done: int) -> None:
        """Note how far it is; what has come further is not lost in a row."""
        self.done = done
        if done > self.furthest:
            self.furthest, self.lost = done, 0

    def lose(self, why: str, where: str, retries: int) -> None:
        """Count an attempt in vain. After the last one the part's result says why, and where there is more to read."""
        self.lost += 1
        if self.lost > retries:
            times = "once" if self.lost == 1 else f"{self.lost} times"
            sentence = f"{self.part.name} was tried {times} in vain; the last time {why.rstrip('.')}. {where}"
            self.result = Result("fault", sentence.rstrip())


class Refused(Away):
    """The engine answers, and does not take these parts; says why."""

    def __init__(self, parts: Sequence[Going], why: object) -> None:
        super().__init__(str(why))
        self.parts = parts


def going(part: Part, folder: Path) -> Going:
    """A part of which nothing is known yet; its folder is there."""
    path = folder / part.name
    path.mkdir(parents=True, exist_ok=True)
    place = PartFolder(path)
    return Going(part, place, Tail(place.events), Order(place))
