"""The fast scorer gives museval's figures."""

import os
from pathlib import Path

import numpy as np
import pytest

from sepmodels.scoring.bsseval import bsseval_scores
from sepmodels.scoring.by_museval import museval_scores
from tests.conftest import read_stem_file
from tests.scoring_material import RATE_HZ, assert_as_museval, both_scores, music, separated


def true_sources(path: Path) -> np.ndarray:
    """Vocals and accompaniment of a MUSDB18 file, int16 (source, channel, sample)."""
    stems = read_stem_file(path)
    accompaniment = stems[1:4].sum(axis=0, dtype=np.int32).clip(-32_768, 32_767)
    return np.stack([stems[4], accompaniment.astype(np.int16)])


def test_stereo_vocals_and_accompaniment_score_as_by_museval() -> None:
    reference = music()
    assert_as_museval(*both_scores(reference, separated(reference)))


def test_four_mono_sources_score_as_by_museval() -> None:
    reference = music(sources=4, channels=1, samples=RATE_HZ)
    assert_as_museval(*both_scores(reference, separated(reference)))


@pytest.mark.parametrize(
    ("samples", "window", "hop"),
    [(2 * RATE_HZ + 1, RATE_HZ, RATE_HZ), (60_001, 20_011, 7_013), (50_000, 12_345, 20_000), (30_000, 400, 300)],
    ids=["an odd length", "windows that overlap", "windows with gaps", "windows shorter than a filter"],
)
def test_any_windows_and_hops_score_as_by_museval(samples: int, window: int, hop: int) -> None:
    reference = music(channels=1, samples=samples)
    assert_as_museval(*both_scores(reference, separated(reference), window, hop))


@pytest.mark.parametrize("samples", [30_000, 3_000])
def test_a_track_shorter_than_a_window_is_one_window(samples: int) -> None:
    reference = music(channels=1, samples=samples)
    ours, authority = both_scores(reference, separated(reference))
    assert ours.shape == (4, 2, 1)
    assert_as_museval(ours, authority)


@pytest.mark.parametrize("silent", ["reference", "estimate"])
def test_a_window_with_a_silent_source_is_nan_for_all_sources_as_by_museval(silent: str) -> None:
    reference = music(channels=1, samples=3 * RATE_HZ)
    estimate = separated(reference)
    {"reference": reference, "estimate": estimate}[silent][1, :, RATE_HZ - 5 : 2 * RATE_HZ + 5] = 0
    ours, authority = both_scores(reference, estimate)
    assert np.isnan(ours).all(axis=(0, 1)).tolist() == [False, True, False]
    assert_as_museval(ours, authority)


def test_a_window_whose_channels_cancel_is_silent_as_by_museval() -> None:
    reference = music(samples=2 * RATE_HZ)
    reference[0, 1, :RATE_HZ] = -reference[0, 0, :RATE_HZ]
    ours, authority = both_scores(reference, separated(reference))
    assert np.isnan(ours).all(axis=(0, 1)).tolist() == [True, False]
    assert_as_museval(ours, authority)


def test_a_source_with_equal_channels_scores_as_by_museval_though_its_equations_are_singular() -> None:
    reference = music()
    reference[0, 1] = reference[0, 0]
    assert_as_museval(*both_scores(reference, separated(reference)), apart_db=1e-5)


def test_the_mixture_as_the_estimate_scores_as_by_museval() -> None:
    reference = music(channels=1)
    mixture = reference.sum(axis=0) / 32_768
    assert_as_museval(*both_scores(reference, np.stack([mixture, mixture])))


def test_the_reference_as_the_estimate_has_infinite_sdr_as_by_museval() -> None:
    reference = music(channels=1)
    ours, authority = both_scores(reference, reference)
    assert np.isposinf(ours[0]).all()
    assert_as_museval(ours, authority)


@pytest.mark.parametrize("change", [-10_000, 10_000])
def test_an_estimate_of_another_length_is_cut_or_padded_as_by_museval(change: int) -> None:
    reference = music(channels=1, samples=2 * RATE_HZ)
    longer = separated(music(channels=1, samples=3 * RATE_HZ))
    assert_as_museval(*both_scores(reference, longer[..., : reference.shape[-1] + change]))


@pytest.mark.real_data
def test_a_real_clip_scores_as_by_museval(musdb18_7s: Path) -> None:
    reference = true_sources(min((musdb18_7s / "test").glob("*.stem.mp4")))
    assert_as_museval(*both_scores(reference, separated(reference)))


@pytest.mark.slow
@pytest.mark.real_data
def test_a_track_of_minutes_joined_from_real_clips_scores_as_by_museval(musdb18_7s: Path) -> None:
    """Half a minute; SEPBENCH_PARITY_SECONDS=240 makes it four minutes, which take museval as long."""
    seconds = int(os.environ.get("SEPBENCH_PARITY_SECONDS", "30"))
    clips = [true_sources(path) for path in sorted((musdb18_7s / "test").glob("*.stem.mp4"))[: seconds // 6 + 1]]
    reference = np.concatenate(clips, axis=-1)[..., : seconds * RATE_HZ]
    estimate = separated(reference)
    ours = bsseval_scores(reference, [estimate, reference], RATE_HZ, RATE_HZ)[0]
    assert ours.shape[-1] == seconds
    assert_as_museval(ours, museval_scores(reference, estimate, RATE_HZ, RATE_HZ))
