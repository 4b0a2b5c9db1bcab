"""ViSQOL, where it is installed."""

from dataclasses import replace

import numpy as np
import pytest

from sepmodels.errors import UserError
from sepmodels.scoring.measure import Signals
from sepmodels.scoring.measures import chosen_measures
from sepmodels.scoring.measures.visqol import visqol
from tests.scoring_material import RATE_HZ, music


def test_where_it_is_not_installed_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'sepbench\[visqol\]'"):
        chosen_measures(["ViSQOL"])


@pytest.mark.slow
def test_the_same_sound_is_rated_best_and_noise_worse() -> None:
    pytest.importorskip("visqol", reason="visqol-python is not installed: pip install '.[visqol]'")
    reference = music(samples=2 * RATE_HZ)[0] / 32_768
    same = Signals(reference, reference, reference, RATE_HZ)
    noise = 0.1 * np.random.default_rng(1).standard_normal(reference.shape)
    assert visqol(same) > 4.5
    assert visqol(replace(same, estimate=reference + noise)) < 3.5
