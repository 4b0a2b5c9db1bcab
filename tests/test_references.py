from pathlib import Path

import numpy as np
import pytest

from sepmodels.audio import STREAMS, read_stem_file
from sepmodels.references import REFERENCES


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


def test_the_floor_and_the_ceiling_are_registered_by_name() -> None:
    assert list(REFERENCES) == ["mixture", "oracle_mask"]
    assert all(name == reference.name for name, reference in REFERENCES.items())


def test_the_floor_is_the_mixture_itself() -> None:
    track = stems(vocals=tone(440, 60_000), bass=tone(110, 60_000))

    estimate = REFERENCES["mixture"].separate(track)

    assert estimate.dtype == np.float32
    np.testing.assert_array_equal(estimate, track[0] / np.float32(32_768))


def test_the_oracle_parts_sources_that_share_no_bin() -> None:
    track = stems(vocals=tone(2000, 60_000), drums=tone(500, 60_000), other=tone(300, 60_000))

    estimate = REFERENCES["oracle_mask"].separate(track)

    assert estimate.shape == (2, 60_000)
    assert sdr_db(track[4] / 32_768, estimate) > 30


def test_the_oracle_gives_equal_sources_half_of_the_mixture_each() -> None:
    same = tone(700, 60_000)
    track = stems(vocals=same, other=same)

    np.testing.assert_allclose(REFERENCES["oracle_mask"].separate(track), track[4] / 32_768, atol=1e-5)


def test_the_oracle_is_silent_where_nobody_sings_and_finite_in_silence() -> None:
    unsung = REFERENCES["oracle_mask"].separate(stems(other=tone(300, 60_000)))
    silence = REFERENCES["oracle_mask"].separate(stems())

    assert not unsung.any()
    assert not silence.any()


@pytest.mark.parametrize("samples", [1, 700, 4096])
def test_the_oracle_takes_tracks_of_any_length(samples: int) -> None:
    track = stems(samples, vocals=tone(2000, samples))

    np.testing.assert_allclose(REFERENCES["oracle_mask"].separate(track), track[4] / 32_768, atol=1e-5)


@pytest.mark.real_data
def test_on_a_real_clip_the_ceiling_is_far_above_the_floor(musdb18_7s: Path) -> None:
    track = read_stem_file(min(musdb18_7s.glob("test/*.stem.mp4")))
    vocals = track[4] / 32_768

    floor, ceiling = (sdr_db(vocals, REFERENCES[name].separate(track)) for name in ("mixture", "oracle_mask"))

    assert ceiling > floor + 5
