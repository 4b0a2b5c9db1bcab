"""The measures beside BSSEval in the terminal."""

from collections.abc import Mapping

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table


def show_measured(found: pd.DataFrame, console: Console, title: str, stale: Mapping[str, str]) -> None:
    """Print a row for each system with what each measure says of the target; intervals stand in the files.

    found: of :func:`sepmodels.results.measured.summed_up`. stale: of each system whose measures are not up to date now,
    why.
    """
    from sepmodels.audio import target_of
    from sepmodels.results.markdown import number
    from sepmodels.results.measured import not_up_to_date, sentences

    found = found.assign(stale=[stale.get(one, before) for one, before in zip(found.variant, found.stale, strict=True)])
    own = found[found.target == target_of(found.target)]
    names = list(dict.fromkeys(own.metric))
    values = own.pivot(index="variant", columns="metric", values="value")
    console.print(f"\n[italic]{escape(title)}[/]", highlight=False)
    listing = Table(box=None, pad_edge=False)
    listing.add_column("system", overflow="fold")
    for name in names:
        listing.add_column(name, justify="right", no_wrap=True)
    for row in own.drop_duplicates("variant").itertuples(index=False):
        cells = (number(values.loc[row.variant, name]) for name in names)
        listing.add_row(escape(row.title), *cells, style="" if row.place == "ranked" else "dim")
    console.print(listing)
    for name, sentence in sentences(found).items():
        better = "higher" if own[own.metric == name].higher_is_better.all() else "lower"
        console.print(f"- [bold]{name}[/] ({better} is better): {escape(sentence)}", highlight=False)
    for sentence in not_up_to_date(found):
        console.print(f"- {escape(sentence)}", highlight=False)
