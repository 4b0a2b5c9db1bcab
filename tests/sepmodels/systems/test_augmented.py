"""A model that hears each track several times."""

import numpy as np
import pytest

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.systems.added import Model, Tracks
from sepmodels.systems.augmented import LONGEST_SHIFT, Augmented

MIXTURE = np.random.default_rng(0).uniform(-1, 1, (2, SAMPLE_RATE_HZ)).astype(np.float32)


def mean_of(model: Model, shifts: int = 2) -> np.ndarray:
    system = Augmented("tta", "TTA", "", augmented="open_unmix", shifts=shifts)
    known: dict[str, Model] = {"open_unmix": model}
    with system.opened(Tracks(model=known.__getitem__)) as separate:
        return separate("song", MIXTURE).vocals


@pytest.mark.parametrize("shifts", [0, 1, 5])
def test_of_a_model_that_minds_no_change_it_is_the_models_own_estimate(shifts: int) -> None:
    found = mean_of(lambda mixture: 0.5 * mixture, shifts)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 0.5 * MIXTURE, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (lambda mixture: mixture + 0.3, 0.3 * (4 - 1) / 5),  # the reversed one's offset has the other sign
        (lambda mixture: np.stack([mixture[0] + 0.5, mixture[1]]), np.array([[0.5 * (3 - 1) / 5], [0.5 / 5]])),
    ],
    ids=["an offset", "one channel"],
)
def test_what_a_model_adds_for_one_polarity_or_channel_is_averaged(model: Model, expected: np.ndarray | float) -> None:
    np.testing.assert_allclose(mean_of(model) - MIXTURE, expected + np.zeros_like(MIXTURE), atol=1e-6)


def test_the_shifts_are_evenly_spaced_up_to_half_a_second() -> None:
    lengths = []

    def model(mixture: np.ndarray) -> np.ndarray:
        lengths.append(mixture.shape[1] - SAMPLE_RATE_HZ)
        return mixture

    mean_of(model, 2)
    assert lengths == [0, 0, 0, LONGEST_SHIFT // 2, LONGEST_SHIFT]


def test_fewer_than_no_shifts_are_refused() -> None:
    with pytest.raises(UserError, match="--shifts -1 cannot be: expected 0 or more"):
        Augmented("tta", "TTA", "", augmented="open_unmix", shifts=-1).check()
