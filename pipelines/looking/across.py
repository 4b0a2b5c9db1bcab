"""All test sets side by side in the terminal."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assets.paths import Paths
from pipelines.terminal import printable
from sepmodels.dataset.other_test_sets import other_test_sets
from sepmodels.settings import Profile


def tables_elsewhere(profile: Profile, paths: Paths) -> Iterator[tuple[str, Path]]:
    """The test sets beside the profile's own that have a table, each with the folder that it lies in."""
    for one in other_test_sets(profile):
        if (paths.results / one.name / "results.parquet").exists():
            yield one.name, paths.results / one.name


def show_across(profile: Profile, paths: Paths, console: Console) -> None:
    """Print all test sets side by side; nothing where there is no other than the profile's own."""
    from sepmodels.results.across import NEVER_POOLED, wide_rows

    file = paths.results / "across.parquet"
    if not other_test_sets(profile) or not file.exists():
        return
    across = pd.read_parquet(file)
    sets = list(dict.fromkeys(across.dataset))
    heading = f"{profile.target.capitalize()}, SDR on every test set"
    listing = Table(title=heading, caption="dB; above the floor; difference to the baseline.")
    listing.add_column("system", overflow="fold")
    for name in sets:
        listing.add_column(escape(name), justify="right")
    listing.add_column("does it hold?", overflow="fold")
    for row in wide_rows(across):
        cells = [_cell(*both) for both in zip(row["sdr"], row["against"], strict=True)]
        style = "dim" if row["place"] in ("floor", "ceiling") else None
        listing.add_row(escape(printable(row["title"])), *map(escape, cells), escape(row["holds"]), style=style)
    console.print()
    console.print(listing)
    console.print(f"- {NEVER_POOLED}", highlight=False)


def _cell(sdr: str, against: str) -> str:
    return f"{sdr}\n{against}" if against else sdr
