"""The measures beside BSSEval in the terminal."""

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table


def show_measured(found: pd.DataFrame, console: Console, title: str) -> None:
    """Print a row for each system and what each measure says.

    found: of :func:`sepmodels.results.measured.summed_up`.
    """
    from sepmodels.results.measured import sentences, wide

    heads, rows = wide(found)
    listing = Table(title=title, title_justify="left", box=None, pad_edge=False)
    listing.add_column("system", overflow="fold")
    for head in heads:
        listing.add_column(head, justify="right")
    for row in rows:
        listing.add_row(escape(row["title"]), *row["cells"], style="" if row["place"] == "ranked" else "dim")
    console.print(listing)
    for name, sentence in sentences(found).items():
        console.print(f"- [bold]{name}[/]: {escape(sentence)}", highlight=False)
