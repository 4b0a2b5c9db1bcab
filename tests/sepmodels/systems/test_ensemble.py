"""The mean of other systems' estimates: its weights, and tracks that a member lacks."""

import numpy as np
import pytest

from sepmodels.errors import UserError
from sepmodels.systems.added import Tracks
from sepmodels.systems.ensemble import Ensemble

ONES = np.ones((2, 4), np.float32)
MEAN = Ensemble("both", "Both", "", mean=("ours", "theirs"), weights=(1.0, 3.0))


def estimates(name: str, track: str) -> list[np.ndarray]:
    if (name, track) == ("theirs", "lacking"):
        raise UserError("/data/estimates/theirs/seed_0/lacking/vocals.wav does not exist: check the path")
    return [ONES, 3 * ONES] if name == "ours" else [6 * ONES]


def test_the_mean_is_weighted_and_over_the_seeds_of_each_first() -> None:
    with MEAN.opened(Tracks(("song",), estimates)) as separate:
        assert np.array_equal(separate("song", ONES).vocals, 5 * ONES)


def test_a_track_that_a_member_lacks_is_lacking_alone_and_the_member_is_named() -> None:
    assert MEAN.may_lack_tracks
    with MEAN.opened(Tracks(("song", "lacking"), estimates)) as separate:
        with pytest.raises(UserError, match=r"^theirs has no estimate of it that can be read\.$"):
            separate("lacking", ONES)
        assert separate("song", ONES).vocals.shape == ONES.shape


@pytest.mark.parametrize("weight", [-1.0, 0.0, float("nan"), float("inf")])
def test_each_weight_is_above_zero(weight: float) -> None:
    with pytest.raises(UserError, match=rf"The weight {weight:g} cannot be: give a number above 0"):
        Ensemble("both", "Both", "", mean=("ours", "theirs"), weights=(2.0, weight)).check()
    with pytest.raises(UserError, match="1 weights do not go with 2 systems: give one for each"):
        Ensemble("both", "Both", "", mean=("ours", "theirs"), weights=(2.0,)).check()
