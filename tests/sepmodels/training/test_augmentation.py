import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sepmodels.settings import TrainingSettings
from sepmodels.training.augmentation import draw, mix, mix_chunk

MANY = TrainingSettings(batch=4000)
POSITIONS = torch.tensor([1, 100, 10_000])


def drawn(settings: TrainingSettings = MANY, seed: int = 0):
    return draw(torch.Generator().manual_seed(seed), POSITIONS, settings)


def random_stems(seed: int, batch: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Int16 stems (batch, stem, channel, sample) and gains (batch, stem)."""
    rng = np.random.default_rng(seed)
    stems = rng.integers(-32768, 32768, (batch, 4, 2, samples), dtype=np.int16)
    return stems, rng.uniform(0.25, 1.25, (batch, 4)).astype(np.float32)


@given(seed=st.integers(0, 1000), batch=st.integers(1, 3), samples=st.integers(1, 50))
def test_the_mixture_is_the_sum_of_the_scaled_stems_and_the_target_the_scaled_vocals(seed, batch, samples):
    stems, gain = random_stems(seed, batch, samples)
    mixture, target = mix(torch.from_numpy(stems), torch.from_numpy(gain))
    scaled = stems / 32768 * gain[:, :, None, None].astype(np.float64)
    np.testing.assert_allclose(mixture, scaled.sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(target, scaled[:, 3], atol=1e-6)


@given(seed=st.integers(0, 1000), samples=st.integers(1, 50))
def test_a_chunk_mixed_alone_is_bit_for_bit_the_one_mixed_in_a_batch(seed, samples):
    stems, gain = random_stems(seed, 2, samples)
    expected, expected_target = mix(torch.from_numpy(stems), torch.from_numpy(gain))
    mixture, target = np.empty((2, samples), np.float32), np.empty((2, samples), np.float32)
    mix_chunk(stems[1], gain[1], mixture, target)
    np.testing.assert_array_equal(mixture, expected[1])
    np.testing.assert_array_equal(target, expected_target[1])


def test_gains_are_uniform_between_the_settings_limits():
    gain = drawn().gain
    assert float(gain.min()) == pytest.approx(0.25, abs=0.002)
    assert float(gain.max()) == pytest.approx(1.25, abs=0.002)
    assert float(gain.mean()) == pytest.approx(0.75, abs=0.01)


def test_channels_are_swapped_as_often_as_the_settings_say():
    assert float(drawn().swap.float().mean()) == pytest.approx(0.5, abs=0.02)
    assert not drawn(TrainingSettings(batch=100, swap_probability=0.0)).swap.any()
    assert drawn(TrainingSettings(batch=100, swap_probability=1.0)).swap.all()


def test_tracks_are_equally_likely_however_long_they_are():
    counts = torch.bincount(drawn().track.flatten()).double() / (4000 * 4)
    np.testing.assert_allclose(counts, 1 / 3, atol=0.02)


def test_every_position_of_a_track_can_begin_a_chunk_and_no_other():
    draws = drawn()
    for track, positions in enumerate(POSITIONS.tolist()):
        starts = draws.start[draws.track == track]
        assert int(starts.min()) >= 0
        assert int(starts.max()) <= positions - 1
    assert set(draws.start[draws.track == 1].tolist()) == set(range(100))


def test_with_remix_the_stems_of_a_chunk_come_from_tracks_and_positions_of_their_own():
    track = drawn().track
    assert float((track[:, 0] == track[:, 3]).float().mean()) == pytest.approx(1 / 3, abs=0.03)


def test_without_remix_the_stems_of_a_chunk_come_from_one_place():
    draws = drawn(TrainingSettings(batch=100, remix=False))
    assert (draws.track == draws.track[:, :1]).all()
    assert (draws.start == draws.start[:, :1]).all()
    assert (draws.gain != draws.gain[:, :1]).any()
