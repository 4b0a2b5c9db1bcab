"""The judged claims in the terminal: one by one, and in a few lines below the table."""

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assets.paths import Paths
from pipelines.options import advised
from sepmodels.errors import UserError
from sepmodels.settings import Profile

COLOURS = {"supported": "green", "refuted": "red", "undecided": "yellow"}


def show_claims(profile: Profile, paths: Paths, console: Console) -> None:
    """Print every claim with its verdict and evidence; raises :class:`UserError` where none was judged yet."""
    claims = _judged(paths)
    if claims is None:
        raise UserError(f"No claims of {profile.name} are judged in {paths.data}: run `{advised('run', profile)}`.")
    print_claims(claims, console)


def print_claims(claims: pd.DataFrame, console: Console) -> None:
    """Print judged claims with verdict and evidence."""
    from sepmodels.results.claims.words import NOTE, counted, evidence, margin

    listing = Table(box=None, show_header=False, pad_edge=False)
    listing.add_column(no_wrap=True)
    listing.add_column()
    for row in claims.to_dict("records"):
        listing.add_row(_verdict(row["verdict"]), f"[bold]{escape(row['sentence'])}[/] ({escape(row['source'])})")
        listing.add_row("", escape(f"{margin(row)}: {evidence(row)}"))
    console.print(listing, highlight=False)
    console.print(f"{counted(claims)}. {NOTE}", highlight=False)


def show_claims_in_short(profile: Profile, paths: Paths, console: Console) -> None:
    """Print the claims that are decided and the number of the others; nothing where none was judged yet."""
    from sepmodels.results.claims.words import counted

    claims = _judged(paths)
    if claims is None:
        return
    console.print(f"Claims: {counted(claims)} ({escape(advised('claims', profile))}).", highlight=False)
    for row in claims[claims.verdict != "undecided"].to_dict("records"):
        console.print(f"- {_verdict(row['verdict'])}: {escape(row['sentence'])}", highlight=False)


def _judged(paths: Paths) -> pd.DataFrame | None:
    file = paths.claims / "claims.parquet"
    return pd.read_parquet(file) if file.exists() else None


def _verdict(verdict: str) -> str:
    return f"[{COLOURS[verdict]}]{verdict}[/]"
