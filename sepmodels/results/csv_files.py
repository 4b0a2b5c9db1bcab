"""Tables that a person wrote as CSV: names are text, whatever they look like, and figures are numbers."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

_NO_FIGURE = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "None")


def read_csv_file(file: Path, figures: Iterable[str]) -> pd.DataFrame:
    """The table of a file. Only in the columns ``figures`` may a number be missing (NaN).

    All others are text as it stands there: a track may be called 01, 1.10 or NA.

    Raises OSError and ValueError as pandas does.
    """
    columns = set(pd.read_csv(file, nrows=0))
    texts = dict.fromkeys(columns.difference(figures), str)
    missing = dict.fromkeys(columns.intersection(figures), _NO_FIGURE)
    return pd.read_csv(file, dtype=texts, keep_default_na=False, na_values=missing)
