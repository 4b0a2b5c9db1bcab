"""What a run in MLflow is called, and what its note says: what was tried, and why."""

import re
from collections.abc import Sequence

from assets.staleness.standing import ASKED_FOR, NEVER_MADE

NOTE = "mlflow.note.content"
_MOST_CHARACTERS = 80
_CODE = re.compile(r"(?P<event>now uses |no longer uses )?(?P<file>\S+\.py)(?: changed)? \((?P<parts>.+)\)")
_VALUE = re.compile(r"(?:(?P<group>\w+) )?(?:setting|library) (?P<name>\S+) changed from (?P<old>.+) to (?P<new>.+)")


def training_name(system: str, reasons: Sequence[str]) -> str:
    """A training's name: the system, and what was tried.

    reasons: why it was made, as :mod:`assets.staleness` says it.

    >>> training_name("transformer", ["sepmodels/models/transformer.py changed (method `forward` of `_Layer`)"])
    'transformer: forward of _Layer'
    >>> training_name("l1_loss", ["training setting steps changed from 20 to 200", "stems/train has new data"])
    'l1_loss: training.steps 200, was 20, and 1 more'
    >>> training_name("l1_loss", ["it has never been made"])
    'l1_loss: first training'
    """
    tried = [_tried(reason) for reason in reasons] or [_tried(ASKED_FOR)]
    more = f", and {len(tried) - 1} more" if len(tried) > 1 else ""
    room = _MOST_CHARACTERS - len(system) - len(more)
    first = tried[0] if len(tried[0]) <= room else f"{tried[0][: room - 1]}…"
    return f"{system}: {first}{more}"


def note(reasons: Sequence[str], ended: str = "") -> str:
    """A run's note, in Markdown: how it ended, where that needs saying, and why the product was made.

    >>> note(["stems/train has new data"], "Interrupted.")
    'Interrupted.\\n\\nMade because:\\n\\n- stems/train has new data'
    """
    why = "\n".join(["Made because:", "", *(f"- {reason}" for reason in reasons)]) if reasons else ""
    return "\n\n".join(filter(None, [ended, why]))


def _tried(reason: str) -> str:
    """A reason in few words: what is new, without where it stands."""
    if reason in (NEVER_MADE, ASKED_FOR):
        return "first training" if reason == NEVER_MADE else "again, as it was asked for"
    if found := _CODE.fullmatch(reason):
        return (found["event"] or "") + re.sub(r"(?:\b(?!of )\w+ )?`([^`]+)`", r"\1", found["parts"])
    if found := _VALUE.fullmatch(reason):
        name = ".".join(filter(None, [found["group"], found["name"]]))
        return f"{name} {found['new']}, was {found['old']}"
    return reason
