"""Killed at random, a benchmark ends with the very files of one that nobody disturbed."""

import random
from pathlib import Path

import pytest

from benchmarks.kills import disturb


@pytest.mark.slow
def test_after_the_forkserver_and_a_step_are_killed_nothing_hangs_is_open_or_differs(tmp_path: Path) -> None:
    killed = disturb(tmp_path, 2, random.Random(3), kinds=("forkserver", "step"))
    assert killed == {"forkserver": 1, "step": 1}
