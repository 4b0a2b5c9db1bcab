"""How often the table claims a difference: a small part of benchmarks/calibration.py, with fixed draws."""

import numpy as np
import pytest

from benchmarks.calibration import Cell, simulate

CASES = 150


@pytest.mark.parametrize(
    "cell",
    [
        Cell(tracks=50, seeds=2, seed_db=0.2, track_db=0.3, heavy_tailed=False),  # where too much was claimed once
        Cell(tracks=6, seeds=5, seed_db=0.1, track_db=1.0, heavy_tailed=False),
        Cell(tracks=14, seeds=3, seed_db=0.4, track_db=0.3, heavy_tailed=True),
    ],
    ids=str,
)
def test_equal_recipes_are_called_different_in_a_twentieth_of_cases_at_most(cell: Cell) -> None:
    shares = simulate(cell, CASES)
    most = 0.05 + 3 * np.sqrt(0.05 * 0.95 / CASES)
    assert shares["claims"] < most
    assert shares["family"] < most


def test_what_is_better_by_a_decibel_is_found_with_five_seeds() -> None:
    shares = simulate(Cell(tracks=50, seeds=5, seed_db=0.2, track_db=0.3, heavy_tailed=False), CASES)
    assert shares["power at 1 dB"] > 0.95
    assert shares["power at 0.2 dB"] < shares["power at 0.5 dB"] < shares["power at 1 dB"]
