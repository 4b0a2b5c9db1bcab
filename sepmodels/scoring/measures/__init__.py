"""Measures beside BSSEval: one file each, found by the files that are here.

A file holds ``MEASURE``, a :class:`~sepmodels.scoring.measure.Measure`. Nothing else is needed for a new one: it is a
column of ``sepbench score --measures`` and a row of ``sepbench ears`` by the name that it has there.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd

from sepmodels.audio import targets_of
from sepmodels.errors import UserError, unknown_name
from sepmodels.marks import no_part_of_a_result
from sepmodels.progress import Say
from sepmodels.scoring.measure import Measure, Signals, value_or_nan
from sepmodels.scoring.pitch import Pitch
from sepmodels.scoring.signals import Float64, to_float64
from sepmodels.scoring.track import WHOLE_TRACK_METRICS

ALL = "all"


@no_part_of_a_result("which there are; those that a product has are named as roots of its code version")
@cache
def measures() -> dict[str, Measure]:
    """All measures by their names, in the order of the names of their files."""
    found = (importlib.import_module(f"{__name__}.{module.name}").MEASURE for module in pkgutil.iter_modules(__path__))
    return {measure.name: measure for measure in found}


def place_of(measure: Measure) -> str:
    """``module:name`` of a measure's number: what of the code it is made by."""
    return f"{measure.value.__module__}:{measure.value.__qualname__}"


def chosen_measures(names: Sequence[str], say: Say = lambda sentence: None) -> tuple[Measure, ...]:
    """The measures of these names, in capitals or not, each once; "all" for all whose packages are installed.

    Raises UserError for an unknown name, and for a measure that was asked for by its name and is not installed.
    """
    known = {name.lower(): measure for name, measure in measures().items()}
    found: dict[str, Measure] = {}
    for name in names:
        if name.lower() == ALL:
            found |= {measure.name: measure for measure in _installed(say)}
        elif name.lower() in known:
            measure = known[name.lower()]
            measure.check()
            found[measure.name] = measure
        else:
            raise unknown_name("measure", name, (*measures(), ALL))
    return tuple(found.values())


def require_measures(names: Sequence[str], target: str) -> None:
    """Raise UserError unless these measures are installed, are in no table already, and say something of the target."""
    if ALL in map(str.lower, names):
        raise UserError(f"Name the measures: a table has to say which it has. There are {', '.join(measures())}.")
    for one in chosen_measures(names):
        if one.name in WHOLE_TRACK_METRICS:
            raise UserError(f"{one.name} stands in every table: leave it out of the measures.")
        if one.targets and not set(one.targets) & set(targets_of(target)):
            raise UserError(
                f"{one.name} says something of the {' and '.join(one.targets)} alone, and the {target} are separated: "
                "leave it out of the measures."
            )


def _installed(say: Say) -> list[Measure]:
    found = []
    for measure in measures().values():
        try:
            measure.check()
        except UserError as fault:
            say(f"Without {measure.name}: {fault}")
        else:
            found.append(measure)
    return found


def measure_track(
    chosen: Sequence[Measure],
    reference: np.ndarray,
    estimate: np.ndarray,
    mixture: np.ndarray,
    *,
    targets: Sequence[str],
    sample_rate_hz: int,
    pitch: Pitch | None = None,
    say: Say = lambda clause: None,
) -> pd.DataFrame:
    """Every measure of every source of one track that it says something of.

    pitch: of the singing, as it is labelled.

    say: takes a clause for each source and measure that failed, and so has NaN.

    Returns:
        A row per target and measure: columns target, metric and value.

    Shape:
        reference, estimate: ``(source, channel, sample)``, int16 or float; the estimate is cut or padded.
        mixture: ``(channel, sample)``, which the sources share.
    """
    samples = reference.shape[-1]
    whole = to_float64(mixture, samples)
    rows = []
    for target, true, made in zip(targets, reference, estimate, strict=True):
        signals = Signals(_of(true, samples), _of(made, samples), whole, sample_rate_hz, pitch)
        for measure in (one for one in chosen if not one.targets or target in one.targets):
            value = value_or_nan(measure, signals, lambda clause, of=target: say(f"of {of}, {clause}"))
            rows.append((target, measure.name, value))
    return pd.DataFrame(rows, columns=["target", "metric", "value"])


def turned(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with columns metric and value, with the sign of every measure changed of which less is better."""
    known = measures()
    better = [1 if name not in known or known[name].higher_is_better else -1 for name in rows.metric]
    return rows.assign(value=rows.value * better)


def _of(source: np.ndarray, samples: int) -> Float64:
    return to_float64(source, samples)
