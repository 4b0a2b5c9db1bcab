from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepmodels.audio import STREAMS
from sepmodels.systems.references import REFERENCES
from tests.conftest import read_stem_file

MASKS = ("ideal_binary_mask", "oracle_mask")


def tone(frequency_hz: float, samples: int) -> np.ndarray:
    wave = 5000 * np.sin(2 * np.pi * frequency_hz / 44_100 * np.arange(samples))
    return np.stack([wave, 0.5 * wave]).astype(np.int16)


def stems(samples: int = 60_000, **given: np.ndarray) -> np.ndarray:
    """Stems that are silent but for those given, and their sum."""
    track = np.zeros((5, 2, samples), np.int16)
    for name, stem in given.items():
        track[STREAMS.index(name)] = stem
    track[0] = track[1:].sum(axis=0)
    return track


def sdr_db(reference: np.ndarray, estimate: np.ndarray) -> float:
    return float(10 * np.log10(np.square(reference).sum() / np.square(estimate - reference).sum()))


def test_references_are_registered_by_name_and_say_whether_they_are_floor_or_ceiling() -> None:
    assert {name: one.bound for name, one in REFERENCES.items()} == {
        "mixture": "floor",
        "ideal_binary_mask": "ceiling",
        "oracle_mask": "ceiling",
    }
    assert all(name == reference.name for name, reference in REFERENCES.items())


def test_what_is_made_of_a_method_counts_as_the_method_does() -> None:
    assert REFERENCES["mixture"].functions == (
        "sepmodels.systems.references:mixture_as_estimate",
        "sepmodels.systems.references:Reference",
    )


def test_the_floor_is_the_mixture_itself() -> None:
    track = stems(vocals=tone(440, 60_000), bass=tone(110, 60_000))

    estimate = REFERENCES["mixture"].separate(track)

    assert estimate.dtype == np.float32
    np.testing.assert_array_equal(estimate, track[0] / np.float32(32_768))


@pytest.mark.parametrize("name", MASKS)
def test_an_ideal_mask_parts_sources_that_share_no_bin(name: str) -> None:
    track = stems(vocals=tone(2000, 60_000), drums=tone(500, 60_000), other=tone(300, 60_000))

    estimate = REFERENCES[name].separate(track)

    assert estimate.shape == (2, 60_000)
    assert sdr_db(track[4] / 32_768, estimate) > 30


@pytest.mark.parametrize("times", [0.25, 0.5, 2.0, 4.0])
def test_of_one_sound_in_two_sources_the_ratio_mask_gives_each_its_share_and_the_binary_mask_the_louder_all(
    times: float,
) -> None:
    vocals = tone(700, 60_000) // 4 * 4
    track = stems(vocals=vocals, other=(times * vocals).astype(np.int16))
    mixture = track[0] / 32_768

    shared = REFERENCES["oracle_mask"].separate(track)
    decided = REFERENCES["ideal_binary_mask"].separate(track)

    np.testing.assert_allclose(shared, mixture / (1 + times), atol=1e-5)
    np.testing.assert_allclose(decided, mixture if times < 1 else np.zeros_like(mixture), atol=1e-5)


def test_of_two_equal_sources_the_ratio_mask_gives_half_and_the_binary_mask_nothing() -> None:
    same = tone(700, 60_000)
    track = stems(vocals=same, other=same)

    np.testing.assert_allclose(REFERENCES["oracle_mask"].separate(track), track[4] / 32_768, atol=1e-5)
    assert not REFERENCES["ideal_binary_mask"].separate(track).any()


@pytest.mark.parametrize("name", MASKS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), samples=st.integers(1, 20_000), louder=st.floats(0.1, 10))
def test_an_ideal_mask_gives_vocals_and_accompaniment_all_of_the_mixture_between_them(
    name: str, seed: int, samples: int, louder: float
) -> None:
    rng = np.random.default_rng(seed)
    vocals, other = (rng.normal(0, 500 * by, (2, samples)).astype(np.int16) for by in (louder, 1))

    parts = [
        REFERENCES[name].separate(stems(samples, vocals=one, other=another))
        for one, another in ((vocals, other), (other, vocals))
    ]

    np.testing.assert_allclose(sum(parts), (vocals.astype(int) + other) / 32_768, atol=1e-5)


@pytest.mark.parametrize("name", MASKS)
def test_an_ideal_mask_is_silent_where_nobody_sings_and_finite_in_silence(name: str) -> None:
    unsung = REFERENCES[name].separate(stems(other=tone(300, 60_000)))
    silence = REFERENCES[name].separate(stems())

    assert not unsung.any()
    assert not silence.any()


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("samples", [1, 700, 4096])
def test_an_ideal_mask_takes_tracks_of_any_length(name: str, samples: int) -> None:
    track = stems(samples, vocals=tone(2000, samples))

    np.testing.assert_allclose(REFERENCES[name].separate(track), track[4] / 32_768, atol=1e-5)


@pytest.mark.real_data
def test_on_a_real_clip_the_ceilings_are_far_above_the_floor(musdb18_7s: Path) -> None:
    track = read_stem_file(min(musdb18_7s.glob("test/*.stem.mp4")))
    vocals = track[4] / 32_768

    reached = {name: sdr_db(vocals, reference.separate(track)) for name, reference in REFERENCES.items()}

    assert all(reached[name] > reached["mixture"] + 5 for name in MASKS)
