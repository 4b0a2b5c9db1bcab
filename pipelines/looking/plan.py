"""``sepbench plan``: how many seeds and tracks a difference takes, and how long that is on this machine."""

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assets.paths import Paths
from pipelines.options import advised
from pipelines.terminal import printable
from sepmodels.errors import UserError
from sepmodels.results.planning import ASSUMED_SEED_SD_DB, MOST_SEEDS, Need, needs
from sepmodels.settings import Profile
from sepmodels.systems.variants import BASELINE

OTHER_TRACKS = (50, 100)  # MUSDB18's test split, and twice that


def show_plan(
    profile: Profile, paths: Paths, console: Console, *, difference_db: float, target: str, metric: str, power: float
) -> None:
    """Print what finding a difference takes; raises :class:`UserError` where there are no results to plan from."""
    file = paths.results / "comparisons.parquet"
    if not file.exists():
        raise UserError(
            f"There are no results of {profile.name} in {paths.data} to plan from: run `{advised('run', profile)}`."
        )
    comparisons = pd.read_parquet(file)
    if "trained" not in comparisons:
        raise UserError(f"{file} is of an earlier version: run `{advised('refresh', profile)}`.")
    found = needs(comparisons, difference_db, target=target, metric=metric, power=power, tracks=OTHER_TRACKS)
    minutes = {name: _minutes(paths, name) for name in {BASELINE, *(need.variant for need in found)}}
    listing = Table("variant", "test tracks", "finds now", "seeds of each", "more to train", box=None, pad_edge=False)
    for need in found:
        listing.add_row(
            escape(printable(need.variant)), str(need.tracks), _now(need), _seeds(need), _time(need, minutes)
        )
    console.print(listing)
    if (comparisons.samples < comparisons.tracks).any():
        console.print("Test tracks of one artist are counted once.", highlight=False, soft_wrap=True)
    for line in _explained(found, difference_db, target, metric, power):
        console.print(line, highlight=False, soft_wrap=True)


def _minutes(paths: Paths, name: str) -> float | None:
    """How long one training took here, as it ran then; None where it is not known."""
    file = paths.training_figures(name)
    return float(pd.read_parquet(file).seconds.mean()) / 60 if file.exists() else None


def _now(need: Need) -> str:
    if need.have < 2:
        return "nothing"
    return f"{need.detectable_db:.2g} dB" if need.detectable_db < 50 else "hardly anything"


def _seeds(need: Need) -> str:
    return f"over {MOST_SEEDS}" if need.seeds is None else str(need.seeds)


def _time(need: Need, minutes: dict[str, float | None]) -> str:
    """The seeds that are missing, of the variant and of the baseline, at the pace of those that there are."""
    if need.seeds is None:
        return "-"
    missing = max(0, need.seeds - need.have)
    paces = minutes[need.variant], minutes[BASELINE]
    if not missing:
        return "nothing"
    if None in paces:
        return f"{missing} seed{'s' * (missing > 1)} of each"
    total = missing * sum(pace for pace in paces if pace is not None)
    return f"{missing} of each, {total:.0f} min" if total < 120 else f"{missing} of each, {total / 60:.1f} h"


def _explained(found: list[Need], difference_db: float, target: str, metric: str, power: float):
    """What the columns are."""
    yield (
        f"A true difference of {difference_db:g} dB in the {metric} of the {target} is found in {power:.0%} of cases "
        "with so many seeds of the variant and of the baseline."
    )
    yield "Times are those of the trainings that there are, one after another; the baseline's seeds serve all variants."
    if any(need.assumed for need in found):
        yield (
            f"With one training each the spread between seeds is not known: {ASSUMED_SEED_SD_DB:g} dB is assumed. "
            "Train two or more, and ask again."
        )
