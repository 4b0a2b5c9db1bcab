"""Tables in the terminal: results, and what can be chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assets import database
from assets.paths import Paths
from pipelines.looking.across import show_across, tables_elsewhere
from pipelines.looking.claims import show_claims_in_short
from pipelines.looking.measured import show_measured
from pipelines.options import advised
from pipelines.terminal import printable
from sepmodels.audio import target_of
from sepmodels.errors import UserError
from sepmodels.results.before import EXPLAINED, sdr_before, was
from sepmodels.results.markdown import marked
from sepmodels.settings import Profile

if TYPE_CHECKING:
    from assets.staleness.standing import Standing, Subject

INTERVAL = "95 %"
LEAST_NAME = 12  # columns in which a system's name can still be read, over several lines


def show_table(profile: Profile, paths: Paths, console: Console) -> None:
    """Print the table of the target and what each change brought; raises :class:`UserError` where there is none.

    So of each other test set, and last of all sets side by side.
    """
    _require_results(profile, paths)
    from pipelines.graph.selection import standing

    stands = standing(profile, paths)
    _show_one(paths.results, profile.name, stands, console)
    for name, folder in tables_elsewhere(profile, paths):
        console.print()
        _show_one(folder, name, stands, console, test_set=name)
    show_across(profile, paths, console)


def table_as_csv(profile: Profile, paths: Paths) -> str:
    """All columns of every row, of all targets; with a column ``dataset`` where there are other test sets."""
    from sepmodels.results.across import joined

    _require_results(profile, paths)
    folders = {profile.name: paths.results, **dict(tables_elsewhere(profile, paths))}
    tables = {name: pd.read_parquet(folder / "results.parquet") for name, folder in folders.items()}
    every = joined(tables) if len(tables) > 1 else tables[profile.name]
    return every.to_csv(index=False)


def _require_results(profile: Profile, paths: Paths) -> None:
    if not (paths.results / "results.parquet").exists():
        raise UserError(f"There are no results of {profile.name} in {paths.data}: run `{advised('run', profile)}`.")


def _show_one(
    folder: Path, name: str, stands: Sequence[tuple[Subject, Standing]], console: Console, test_set: str = ""
) -> None:
    """The table of one test set, which lies in that folder. test_set: its name where it is not the profile's own."""
    import json

    stale = _stale_now(stands, test_set)
    summary = pd.read_parquet(folder / "results.parquet")
    said = json.loads((folder / "said.json").read_text(encoding="utf-8"))
    before = sdr_before(folder)
    summary["was"] = [was(row, before) for row in summary.to_dict("records")]
    summary["unequal"] = [_terms(row, stale) for row in summary.itertuples(index=False)]
    titles = dict(zip(summary.variant, summary.title, strict=True))
    target = target_of(summary.target).capitalize()
    news = [f"{titles[one]} is stale: {reason}." for one, reason in stale.items() if one in titles]
    print_table(summary, {**said, "notes": [*said.get("notes", []), *news]}, console, f"{target}, {name}")
    if (measured := folder / "measures.parquet").exists():
        title = f"{target}, {name}: measures beside BSSEval"
        show_measured(pd.read_parquet(measured), console, title, _stale_now(stands, test_set, "measures"))


def print_table(summary: pd.DataFrame, said: Mapping[str, Any], console: Console, title: str) -> None:
    """Print the rows of the target, and the sentences.

    summary: of :class:`sepmodels.results.results.Results`. said: its scenario, sentences and notes.
    """
    rows = list(summary[summary.target == target_of(summary.target)].itertuples(index=False))
    console.print(_fitting(rows, console, title=title, caption=f"dB; {said['scenario']}."))
    explained = [EXPLAINED] if any(getattr(row, "was", "") for row in rows) else []
    for sentence in dict.fromkeys([*explained, *said["sentences"].values(), *said["notes"]]):
        console.print(f"- {escape(sentence)}", highlight=False)


def _stale_now(stands: Sequence[tuple[Subject, Standing]], test_set: str = "", last: str = "scores") -> dict[str, str]:
    """Of each system whose chain is not up to date, why: also of those that were when the table was made.

    test_set: the name of another test set than the profile's own, to whose scores the chain then leads. last: the part
    that the chain ends with.
    """
    kinds = [("checkpoint",), *((kind, test_set) if test_set else (kind,) for kind in ("estimates", last))]
    found: dict[str, str] = {}
    for subject, one in stands:
        system, *part = subject.key.path[1:]
        if one.state in ("stale", "waiting") and tuple(part) in kinds:
            found.setdefault(system, one.reasons[0].rstrip("."))
    return found


def _terms(row: Any, stale: Mapping[str, str]) -> str:
    known = getattr(row, "unequal", "")
    return known or (f"stale ({stale[row.variant]})" if row.variant in stale else "")


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
            numbers = [_number(row, name) for name in columns]
            listing.add_row(escape(_marked(row)), *numbers, style="dim" if _is_bound(row) else None)
        wanted = console.measure(listing, options=console.options.update(max_width=10_000)).maximum
        if name_columns is not None:
            wanted += name_columns - max(map(len, ["system", *map(_marked, rows)]))
        if wanted <= console.width:
            break
    return listing


def _marked(row: Any) -> str:
    """A system's title, its mark, and why its row stands apart."""
    remark = getattr(row, "remark", "")
    return f"{row.title}{marked(row._asdict())}{f' ({remark})' if remark else ''}"


def _number(row: Any, name: str) -> str:
    if name == INTERVAL:
        return _interval(row)
    return f"{getattr(row, name):.2f}{f' (was {row.was})' if name == 'SDR' and getattr(row, 'was', '') else ''}"


def _interval(row: Any) -> str:
    return "" if math.isnan(row.SDR_low) else f"{row.SDR_low:.2f} to {row.SDR_high:.2f}"


def show_end(profile: Profile, paths: Paths, console: Console, *, table: bool = True) -> None:
    """Print the table, the claims, and where everything is.

    table: False where it has been printed already.
    """
    if table:
        show_table(profile, paths, console)
    show_claims_in_short(profile, paths, console)
    where = {
        "table": paths.results,
        "report": paths.report / "index.html",
        "Dagster": f"{advised('ui', profile)} (history in {database.place_of(paths.data / 'dagster')})",
        "MLflow": f"the same command (runs in {database.place_of(paths.data / 'mlflow')})",
    }
    for name, place in where.items():
        console.print(f"[bold]{name:<8}[/] {escape(printable(place))}", highlight=False, soft_wrap=True)


def show_variants(profile: Profile, paths: Paths, console: Console) -> None:
    """List the variants, a person's own too, and references, a sentence each, and whether the profile makes them.

    Of a variant outside the paper's suite also who trains it.
    """
    from sepmodels.systems import REFERENCES, known_systems, trained_systems
    from sepmodels.systems.variants import VARIANTS, variants_of

    own = {name: one for name, one in trained_systems(paths.systems).items() if name not in VARIANTS}
    made = {*variants_of(profile), *REFERENCES, *profile.extra_systems, *own}
    listing = Table("name", f"in {profile.name}", "what it is", box=None, pad_edge=False)
    for name, one in {**known_systems(), **own}.items():
        elsewhere = name in VARIANTS and "paper" not in VARIANTS[name].suites
        words = f"{one.summary} {_who_trains(name)}" if elsewhere else one.summary
        listing.add_row(f"[bold]{name}[/]", "yes" if name in made else "no", escape(words))
    console.print(listing)


def _who_trains(name: str) -> str:
    from pipelines.profiles import PROFILES
    from sepmodels.systems.variants import VARIANTS

    suites = [f"suite={suite}" for suite in VARIANTS[name].suites]
    asking = [profile.name for profile in PROFILES.values() if name in profile.extra_variants]
    return f"Trained in {', '.join([*suites, *asking]) or 'no profile'}; elsewhere with --only {name}."


def show_profiles(console: Console) -> None:
    """List the profiles, a sentence each."""
    from pipelines.profiles import PROFILES

    listing = Table("name", "what it is", box=None, pad_edge=False)
    for name, entry in PROFILES.items():
        listing.add_row(f"[bold]{name}[/]", escape(entry.summary))
    console.print(listing)


def show_settings(profile: Profile, console: Console) -> None:
    """List every setting of the profile: the name that ``--set`` takes, the value, what it means, its unit."""
    from pipelines.profiles import PROFILES
    from pipelines.setting_values import meaning_of, setting_names, shown, value_of

    own, changed = PROFILES[profile.name], dict(profile.changed_settings)
    listing = Table("name", "value", "meaning", box=None, pad_edge=False)
    for name in setting_names():
        value = escape(shown(value_of(profile, name)))
        if name in changed:
            value = f"[bold]{value}[/] (profile: {escape(shown(value_of(own, name)))})"
        listing.add_row(name, value, escape(meaning_of(name)))
    console.print(listing, highlight=False)
