"""Tables in the terminal: results, and what can be chosen."""

import functools
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assets.paths import Paths
from pipelines.looking.claims import show_claims_in_short
from pipelines.options import advised
from pipelines.terminal import printable
from sepmodels.errors import UserError
from sepmodels.settings import Profile

INTERVAL = "95 %"
LEAST_NAME = 12  # columns in which a system's name can still be read, over several lines


def show_table(profile: Profile, paths: Paths, console: Console) -> None:
    """Print the table of vocals and what each change brought; raises :class:`UserError` where there is none."""
    import json

    file = paths.results / "results.parquet"
    if not file.exists():
        raise UserError(f"There are no results of {profile.name} in {paths.data}: run `{advised('run', profile)}`.")
    summary = pd.read_parquet(file)
    said = json.loads((paths.results / "said.json").read_text(encoding="utf-8"))
    rows = list(summary[summary.target == "vocals"].itertuples(index=False))
    console.print(_fitting(rows, console, title=f"Vocals, {profile.name}", caption=f"dB; {said['scenario']}."))
    for sentence in [*said["sentences"].values(), *said.get("notes", [])]:
        console.print(f"- {escape(sentence)}", highlight=False)
    show_claims_in_short(profile, paths, console)


def _is_bound(row: Any) -> bool:
    """Whether a row is a floor or a ceiling; tables of earlier versions do not say."""
    return getattr(row, "place", "ranked") in ("floor", "ceiling")


def _fitting(rows: list[Any], console: Console, **words: str) -> Table:
    """The first of ever narrower tables that has every number whole in this console; the last where none has."""
    everything, measures = ("SDR", INTERVAL, "SIR", "SAR", "ISR"), ("SDR", "SIR", "SAR", "ISR")
    for columns, boxed, name_columns in (
        (everything, True, None),
        (measures, True, None),
        (measures, False, None),
        (measures, False, LEAST_NAME),
        (("SDR",), False, LEAST_NAME),
    ):
        listing = Table(**words, box=box.HEAVY_HEAD if boxed else None, pad_edge=boxed)
        listing.add_column("system", no_wrap=name_columns is None, overflow="fold")
        for name in columns:
            listing.add_column(name, justify="right", no_wrap=True)
        for row in rows:
            numbers = [_interval(row) if name == INTERVAL else f"{getattr(row, name):.2f}" for name in columns]
            listing.add_row(escape(row.title), *numbers, style="dim" if _is_bound(row) else None)
        wanted = console.measure(listing, options=console.options.update(max_width=10_000)).maximum
        if name_columns is not None:
            wanted += name_columns - max(map(len, ["system", *(row.title for row in rows)]))
        if wanted <= console.width:
            break
    return listing


def _interval(row: Any) -> str:
    return "" if math.isnan(row.SDR_low) else f"{row.SDR_low:.2f} to {row.SDR_high:.2f}"


def show_end(profile: Profile, paths: Paths, console: Console) -> None:
    """Print the table, and where everything is."""
    show_table(profile, paths, console)
    where = {
        "table": paths.results,
        "report": paths.report / "index.html",
        "Dagster": f"{advised('ui', profile)} (history in {paths.data / 'dagster'})",
        "MLflow": f"the same command (runs in {paths.data / 'mlflow'})",
    }
    for name, place in where.items():
        console.print(f"[bold]{name:<8}[/] {escape(printable(place))}", highlight=False, soft_wrap=True)


def show_variants(console: Console) -> None:
    """List the variants and references, a sentence each; of a variant on request also who trains it."""
    from sepmodels.systems import known_systems
    from sepmodels.systems.variants import ON_REQUEST

    words = {name: one.summary for name, one in known_systems().items()}
    _show_named(words | {name: f"{words[name]} {_who_trains(name)}" for name in ON_REQUEST}, console)


def _who_trains(name: str) -> str:
    from pipelines.profiles import PROFILES

    asking = [profile.name for profile in PROFILES.values() if name in profile.extra_variants]
    return f"Trained in {', '.join(asking) or 'no profile'}; elsewhere with --only {name}."


def show_profiles(console: Console) -> None:
    """List the profiles, a sentence each."""
    from pipelines.profiles import PROFILES

    _show_named({name: entry.summary for name, entry in PROFILES.items()}, console)


def show_settings(profile: Profile, console: Console) -> None:
    """List every setting of the profile with its value, by the name that ``--set`` takes."""
    from pipelines.profiles import setting_names

    listing = _two_columns("name", "value")
    for name in setting_names():
        listing.add_row(name, str(functools.reduce(getattr, name.split("."), profile)))
    console.print(listing)


def _show_named(entries: Mapping[str, str], console: Console) -> None:
    listing = _two_columns("name", "what it is")
    for name, words in entries.items():
        listing.add_row(f"[bold]{name}[/]", escape(words))
    console.print(listing)


def _two_columns(first: str, second: str) -> Table:
    return Table(first, second, box=None, pad_edge=False)
