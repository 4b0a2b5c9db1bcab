"""The first place in which two tables differ."""

from typing import Any

import numpy as np
import pandas as pd

from sepmodels.packing.checked import NotFollowingError

# Sums of the same numbers may differ in their last digits from one processor or version of numpy to another.
RELATIVE, ABSOLUTE = 1e-6, 1e-9

LATER = ("of", "samples", "trained")  # columns that tables did not have from the first pack on


def require_same(packed: pd.DataFrame, again: pd.DataFrame, name: str) -> None:
    """Raise :class:`NotFollowingError` for the first value of a packed table that is not what comes out again.

    Numbers may differ by rounding alone; NaN is equal to NaN. A pack of before a column of :data:`LATER` came lacks it.
    """
    again = again[[name for name in again if name in packed or name not in LATER]]
    if list(packed.columns) != list(again.columns):
        odd = sorted(set(packed.columns) ^ set(again.columns))
        raise NotFollowingError(f"{name} has other columns than come out again ({', '.join(odd) or 'their order'})")
    if len(packed) != len(again):
        raise NotFollowingError(f"{name} has {len(packed)} rows, and {len(again)} come out again")
    for column in packed.columns:
        same = _same(packed[column], again[column])
        if not same.all():
            row = int(np.argmin(same))
            raise NotFollowingError(
                f"{name} has {packed[column].iloc[row]!s} as {column} of {_named(packed, row)}, where "
                f"{again[column].iloc[row]!s} comes out"
            )


def _same(first: pd.Series, second: pd.Series) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if pd.api.types.is_numeric_dtype(first.dtype) and pd.api.types.is_numeric_dtype(second.dtype):
        before, after = (np.asarray(one.to_numpy(np.float64, na_value=np.nan)) for one in (first, second))
        return np.asarray(np.isclose(before, after, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True))
    equal = (first.isna() & second.isna()) | (first.astype("string") == second.astype("string")).fillna(False)
    return np.asarray(equal.to_numpy(bool))


def _named(table: pd.DataFrame, row: int) -> str:
    """What a row is on: its first texts."""
    texts = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name].dtype)]
    keys = [
        name for name in ("variant", "claim", "first", "target", "seed", "track", "metric") if name in table.columns
    ]
    return ", ".join(str(table[name].iloc[row]) for name in (keys or texts[:3])) or f"row {row}"
