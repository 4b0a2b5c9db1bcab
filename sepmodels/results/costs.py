"""What separating costs, as the table shows it: headings, units and meanings, in one place."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Heading(NamedTuple):
    """A figure of :class:`sepmodels.separation.cost.Cost`: its field, what it is divided by, and what it says."""

    field: str
    unit: float
    meaning: str


HEADINGS = {
    "billion multiply-adds": Heading(
        "multiply_adds_per_second",
        1e9,
        "Multiplications with an addition that the model needs for one second of stereo audio, in billions: those of "
        "matrix products, convolutions and attention. A published model's are with the overlap of its chunks.",
    ),
    "real-time factor": Heading(
        "real_time_factor",
        1.0,
        "Seconds that pass to separate one second of audio, measured alone on this machine's CPU: less is faster.",
    ),
    "peak memory, GiB": Heading(
        "peak_memory_gib", 1.0, "The most memory while half a minute of audio is separated, with Python and libraries."
    ),
    "model, MB": Heading("model_bytes", 1e6, "The size of the model's files."),
}


def shown(cost: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a cost that are known, by their headings and in their units."""
    return {name: cost[one.field] / one.unit for name, one in HEADINGS.items() if cost.get(one.field) is not None}
