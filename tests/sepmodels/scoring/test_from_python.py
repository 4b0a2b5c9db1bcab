"""Scores of arrays of one's own: what numpy takes is scored, and what cannot be is said before anything is computed."""

import numpy as np
import pandas as pd
import pytest
import torch

from sepmodels.errors import UserError
from sepmodels.scoring import score_track
from tests.scoring_material import music, separated

REFERENCE = music(channels=1, samples=3_000)
ESTIMATE = separated(REFERENCE)


@pytest.mark.parametrize(
    "made", [torch.from_numpy, lambda array: (array / np.float64(1)).tolist()], ids=["torch", "lists"]
)
def test_what_numpy_makes_an_array_of_is_scored_as_that(made) -> None:
    floats = (REFERENCE / 32_768).astype(np.float32)
    pd.testing.assert_frame_equal(
        score_track(made(floats), {"v": made(ESTIMATE)}), score_track(floats, {"v": ESTIMATE})
    )


@pytest.mark.parametrize("shape", [(2, 44_100 * 60, 2), (2, 9, 44_100), (2, 3, 2)])
def test_the_order_of_museval_is_refused_with_the_order_that_is_expected(shape: tuple[int, ...]) -> None:
    reference = np.ones(shape, dtype=np.int16)
    with pytest.raises(UserError, match=r"at most 8 are scored, .* give \(source, channel, sample\)"):
        score_track(reference, {"v": reference})


@pytest.mark.parametrize(
    ("estimate", "message"),
    [
        ("vocals.wav", "The estimate of v is of type str and holds no real numbers: give an array"),
        ([[1.0], [1.0, 2.0]], "The estimate of v cannot be made an array of numpy: .*inhomogeneous"),
        (torch.ones(2, 1, 3_000, requires_grad=True), "The estimate of v cannot be made an array of numpy: .*detach"),
        (1j * ESTIMATE, "The estimate of v is of type ndarray and holds no real numbers"),
    ],
    ids=["a file's name", "uneven lists", "a tensor in training", "complex numbers"],
)
def test_what_is_no_array_of_numbers_is_named(estimate: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        score_track(REFERENCE, {"v": estimate})  # type: ignore[dict-item]
