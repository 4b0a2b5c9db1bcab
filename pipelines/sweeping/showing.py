"""What a sweep says of its trials, and the entry that it ends with."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipelines.sweeping.entries import entry_text, own_value, with_values
from pipelines.sweeping.preparing import Asked
from pipelines.sweeping.study import WHY, Sweep
from pipelines.terminal import printable
from sepmodels.errors import UserError

SHOWN = 5  # of the trials, the best ones


def said_of(number: int, values: Mapping[str, Any], sdr_db: float | None, why: str) -> str:
    """A trial in a line.

    >>> said_of(3, {"learning_rate": 0.002}, 3.214, "")
    'trial 3, learning_rate 0.002: 3.21 dB'
    """
    drawn = ", ".join(f"{name} {_shown(value)}" for name, value in values.items())
    return f"trial {number}, {drawn}: {why if sdr_db is None else f'{sdr_db:.2f} dB'}"


def show_end(asked: Asked, study: Sweep, folder: Path, console: Console) -> None:
    """Print the best trials, and the entry of the best one to paste.

    Raises :class:`UserError` where no trial came to its end.
    """
    ended = study.ended
    best = study.best
    if best is None:
        why = ended[-1].user_attrs.get(WHY, "") if ended else "none has begun"
        raise UserError(f"None of the {len(ended)} trials came to its end; the last one: {why.rstrip('.')}.")
    whole = sorted(study.whole, key=lambda one: -one.value)
    listing = Table("trial", *(one.name for one in asked.ranges), "validation SDR", box=None, pad_edge=False)
    for one in whole[:SHOWN]:
        values = study.values_of(one)
        listing.add_row(str(one.number), *map(_shown, values.values()), f"{one.value:.2f} dB")
    console.print(listing)
    as_it_is = {one.name: own_value(asked.variant, asked.training, one.name) for one in asked.ranges}
    own = next((one for one in whole if study.values_of(one) == as_it_is), None)
    beside = f"; the entry as it is, {own.value:.2f} dB" if own is not None and own is not best else ""
    stopped = len(ended) - len(whole)
    said = f"Best of {len(ended)} trials ({stopped} of them stopped early or failed): {best.value:.2f} dB{beside}."
    console.print(said, highlight=False, soft_wrap=True)
    console.print(
        "It is the SDR of the validation split with one seed, and the best of several: a run says what it is worth. "
        "The entry:",
        soft_wrap=True,
        highlight=False,
    )
    print(entry_text(best_variant(asked, study)), file=console.file)
    kept = f"All trials are in MLflow, below the run {asked.name}; the sweep is kept in {printable(folder)}."
    console.print(kept, soft_wrap=True, highlight=False, markup=False)


def best_variant(asked: Asked, study: Sweep) -> Any:
    """The variant with the best trial's values, which knows how many trials it had."""
    best = with_values(asked.variant, study.values_of(study.best))
    return replace(best, trials=asked.variant.trials + len(study.ended))


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return "+".join(map(str, value)) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
