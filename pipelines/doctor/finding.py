"""What one look of ``sepbench doctor`` finds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]
GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """What one look finds.

    status: ``fail`` when the benchmark cannot run as things are, ``warn`` when it can, but worse than it might.
    remedy: what to do; empty when all is well.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""


def guarded(name: str, look: Callable[[], Finding]) -> Finding:
    """What ``look`` finds; a fault of the look itself is a finding too."""
    try:
        return look()
    except Exception as error:
        detail = f"could not be looked at: {type(error).__name__}: {error}"
        return Finding(name, "fail", detail, "Mend that, or report it with this line.")
