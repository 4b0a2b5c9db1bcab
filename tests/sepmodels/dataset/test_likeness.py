"""Copies of a recording are found by their sound, within a split and across."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.checking.verdicts import Product, splits_are_disjoint_and_complete
from assets.job import Job
from assets.making.dataset import make_stems_test
from assets.paths import Paths
from pipelines.profiles import PROFILES, override
from sepmodels.dataset.health import health_table
from sepmodels.dataset.layouts import find_tracks
from sepmodels.dataset.likeness import LIKE, alike, fingerprint
from sepmodels.dataset.stem_cache import cached_names
from sepmodels.dataset.tracks import describe_tracks
from sepmodels.errors import UserError
from sepmodels.settings import DatasetSettings
from tests.conftest import read_stem_file
from tests.odd_sound import RATE_HZ, ffmpeg

FOLDER = DatasetSettings("folder")


def song(seed: int, seconds: float = 6.0) -> np.ndarray:
    """Something like music, (channel, sample) int16: notes of its own, each with harmonics, and hits."""
    rng = np.random.default_rng(seed)
    samples = np.zeros(round(seconds * RATE_HZ))
    time = np.arange(RATE_HZ // 2) / RATE_HZ
    for _ in range(round(6 * seconds)):
        pitch_hz, start = 110 * 2 ** rng.uniform(0, 4), rng.integers(0, len(samples) - len(time))
        partials = sum(np.sin(2 * np.pi * pitch_hz * k * time) / k for k in range(1, 6))
        samples[start : start + len(time)] += rng.uniform(0.02, 0.1) * partials * np.exp(-time * rng.uniform(2, 12))
        samples[start : start + 2_000] += 0.05 * rng.standard_normal(2_000)
    return np.round(np.stack([samples, 0.7 * samples]).clip(-1, 1) * 32_767).astype(np.int16)


def likeness(one: np.ndarray, two: np.ndarray) -> float:
    return max((found for _, _, found in alike([fingerprint(one), fingerprint(two)], -2.0)), default=0.0)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 999), gain=st.floats(0.1, 1.0), shift=st.integers(0, 3 * RATE_HZ))
def test_a_gain_and_a_shift_leave_a_recording_like_itself_and_unlike_another(
    seed: int, gain: float, shift: int
) -> None:
    one = song(seed)
    other = np.pad((one * gain).astype(np.int16), ((0, 0), (shift, 0)))
    assert likeness(one, other) > LIKE
    assert likeness(other, song(seed + 1_000)) < LIKE


@pytest.mark.parametrize("bitrate", ["64k", "192k"])
def test_an_mp3_is_like_what_it_was_made_of(tmp_path: Path, bitrate: str) -> None:
    soundfile.write(tmp_path / "song.wav", song(1).T, RATE_HZ)
    ffmpeg("-i", tmp_path / "song.wav", "-b:a", bitrate, tmp_path / "song.mp3")
    content = ffmpeg("-i", tmp_path / "song.mp3", "-f", "s16le", "-")
    assert likeness(song(1), np.frombuffer(content, "<i2").reshape(-1, 2).T) > LIKE


@pytest.mark.real_data
def test_no_two_of_the_real_clips_are_taken_for_one(musdb18_7s: Path) -> None:
    clips = sorted(musdb18_7s.rglob("*.stem.mp4"))[::12]
    assert not list(alike([fingerprint(read_stem_file(clip)[0]) for clip in clips], 0.4))


def write_track(folder: Path, seed: int, suffix: str = "wav", gain: float = 1.0, voice: bool = True) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(("vocals", "band")):
        samples = (song(2 * seed + number, 3.0) * gain * (voice or name != "vocals")).astype(np.int16)
        soundfile.write(folder / f"{name}.{suffix}", samples.T, RATE_HZ)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for seed, name in enumerate(("train/a", "train/b", "valid/c", "test/d")):
        write_track(tmp_path / "set" / name, seed)
    return tmp_path / "set"


def test_the_same_samples_as_other_bytes_in_two_splits_are_an_error_that_names_the_pair(dataset: Path) -> None:
    write_track(dataset / "train" / "Other name", 3, "flac")
    with pytest.raises(UserError, match=r"'d' \(test\) has the same samples as 'Other name' \(train\): remove one"):
        describe_tracks(find_tracks(dataset, FOLDER), FOLDER)


def test_a_near_copy_in_another_split_and_a_copy_in_the_same_are_findings_and_fail_the_check(
    dataset: Path, tmp_path: Path
) -> None:
    write_track(dataset / "train" / "quiet d", 3, gain=0.5)
    write_track(dataset / "train" / "a again", 0, "flac")
    table = describe_tracks(find_tracks(dataset, FOLDER), FOLDER)
    found = health_table(table).query("fault == 'there more than once'").set_index("track").finding
    assert set(found.index) == {"a", "a again", "d", "quiet d"}
    assert found["a"] == "The same recording as a again (train; the same samples)."
    assert found["quiet d"].startswith("The same recording as d (test; alike, ")
    paths = Paths(tmp_path, "folder")
    paths.root.mkdir()
    table.to_parquet(paths.tracks)
    verdict = splits_are_disjoint_and_complete(Product(PROFILES["folder"], paths, "", ()))
    assert not verdict.passed
    assert "d (test) is the same recording as quiet d (train" in verdict.sentence
    assert "a again" not in verdict.sentence


def test_test_tracks_that_cannot_be_scored_are_left_out_and_the_rest_goes_on(dataset: Path, tmp_path: Path) -> None:
    write_track(dataset / "test" / "instrumental piece", 9, voice=False)
    profile = override(PROFILES["folder"], "dataset.folder", str(dataset))
    paths = Paths(tmp_path, "folder")
    paths.root.mkdir()
    table = describe_tracks(find_tracks(dataset, profile.dataset), profile.dataset)
    table.to_parquet(paths.tracks)
    health = health_table(table)
    assert list(health.track[health.fault == "that cannot be scored"]) == ["instrumental piece"]
    make_stems_test(Job(profile, paths))
    assert cached_names(paths.stems("test")) == ["d"]


def test_a_dataset_of_which_no_test_track_can_be_scored_says_so_before_anything_is_trained(dataset: Path) -> None:
    for file in (dataset / "test" / "d").iterdir():
        file.unlink()
    (dataset / "test" / "d").rmdir()
    write_track(dataset / "test" / "piece", 9, voice=False)
    with pytest.raises(UserError, match=r"No test track can be scored: .* \(piece\)"):
        describe_tracks(find_tracks(dataset, FOLDER), FOLDER)


def test_rows_kept_of_an_earlier_table_are_compared_with_new_tracks(dataset: Path) -> None:
    before = describe_tracks(find_tracks(dataset, FOLDER), FOLDER)
    write_track(dataset / "train" / "quiet a", 0, gain=0.5)
    after = describe_tracks(find_tracks(dataset, FOLDER), FOLDER, previous=before)
    assert "quiet a (train; alike" in after.set_index("name").copies["a"]
    pd.testing.assert_series_equal(before.source_hash, after.source_hash[after.name != "quiet a"], check_index=False)
