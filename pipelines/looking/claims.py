"""The judged claims in the terminal: one by one, and in a few lines below the table."""

from collections.abc import Mapping

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assets.paths import Paths
from pipelines.options import advised
from sepmodels.dataset.other_test_sets import other_test_sets
from sepmodels.errors import UserError
from sepmodels.settings import Profile

COLOURS = {"supported": "green", "refuted": "red", "undecided": "yellow"}


def show_claims(profile: Profile, paths: Paths, console: Console) -> None:
    """Print every claim with its verdict and evidence; raises :class:`UserError` where none was judged yet."""
    print_claims(_require_judged(profile, paths), console, _judged_elsewhere(profile, paths))


def claims_as_csv(profile: Profile, paths: Paths) -> str:
    """All columns of every claim; with a column ``dataset`` where there are other test sets."""
    from sepmodels.results.across import joined

    claims, elsewhere = _require_judged(profile, paths), _judged_elsewhere(profile, paths)
    every = joined({profile.name: claims, **elsewhere}) if elsewhere else claims
    return every.to_csv(index=False)


def print_claims(claims: pd.DataFrame, console: Console, elsewhere: Mapping[str, pd.DataFrame] | None = None) -> None:
    """Print judged claims with verdict and evidence. elsewhere: those judged on other test sets, by the set's name."""
    from sepmodels.results.claims.words import ELSEWHERE, NOTE, counted, evidence, margin

    elsewhere = elsewhere or {}
    listing = Table(box=None, show_header=False, pad_edge=False)
    listing.add_column(no_wrap=True)
    listing.add_column()
    for row in claims.to_dict("records"):
        listing.add_row(_verdict(row["verdict"]), f"[bold]{escape(row['sentence'])}[/] ({escape(row['source'])})")
        listing.add_row("", escape(f"{margin(row)}: {evidence(row)}"))
        for name, others in elsewhere.items():
            for there in others[others.claim == row["claim"]].to_dict("records"):
                listing.add_row("", f"On {name} {_verdict(there['verdict'])}: {escape(evidence(there))}")
    console.print(listing, highlight=False)
    console.print(f"{counted(claims)}. {NOTE}", highlight=False)
    for name, others in elsewhere.items():
        console.print(f"On {name}: {counted(others)}.", highlight=False)
    if elsewhere:
        console.print(ELSEWHERE, highlight=False)


def show_claims_in_short(profile: Profile, paths: Paths, console: Console) -> None:
    """Print the claims that are decided and the number of the others; nothing where none was judged yet."""
    from sepmodels.results.claims.words import counted

    claims = _judged(paths)
    if claims is None:
        return
    console.print(f"Claims: {counted(claims)} ({escape(advised('claims', profile))}).", highlight=False)
    _show_decided(claims, console)
    for name, others in _judged_elsewhere(profile, paths).items():
        console.print(f"On {name}: {counted(others)}.", highlight=False)
        _show_decided(others, console)


def _show_decided(claims: pd.DataFrame, console: Console) -> None:
    for row in claims[claims.verdict != "undecided"].to_dict("records"):
        console.print(f"- {_verdict(row['verdict'])}: {escape(row['sentence'])}", highlight=False)


def _judged_elsewhere(profile: Profile, paths: Paths) -> dict[str, pd.DataFrame]:
    """By its name the claims judged on each other test set."""
    files = {one.name: paths.claims / one.name / "claims.parquet" for one in other_test_sets(profile)}
    return {name: pd.read_parquet(file) for name, file in files.items() if file.exists()}


def _require_judged(profile: Profile, paths: Paths) -> pd.DataFrame:
    claims = _judged(paths)
    if claims is None:
        raise UserError(f"No claims of {profile.name} are judged in {paths.data}: run `{advised('run', profile)}`.")
    return claims


def _judged(paths: Paths) -> pd.DataFrame | None:
    file = paths.claims / "claims.parquet"
    return pd.read_parquet(file) if file.exists() else None


def _verdict(verdict: str) -> str:
    return f"[{COLOURS[verdict]}]{verdict}[/]"
