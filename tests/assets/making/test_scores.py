"""Scores of test tracks: kept from before as they were made, and at the rate of the tracks' files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.job import Job
from assets.making.scores import make_scores_from_stems, score_part, silent_windows
from assets.paths import Paths
from pipelines.profiles import PROFILES
from sepmodels.audio.resampling import resample
from sepmodels.scoring import score_track
from sepmodels.systems.references import REFERENCES
from tests.conftest import synthetic_stems

TRACKS = ("one", "two", "three")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """That of scoring the mixture on three tracks of two seconds."""
    profile = replace(PROFILES["demo"], scoring_workers=1)
    paths = Paths(tmp_path, profile.name)
    paths.stems("test").mkdir(parents=True)
    for seed, name in enumerate(TRACKS):
        stems = synthetic_stems(seed=seed, seconds=2.0).transpose(0, 2, 1) * 32767
        np.save(paths.stems("test") / f"{name}.npy", np.clip(stems, -32768, 32767).astype(np.int16))
        (paths.stems("test") / f"{name}.json").write_text("{}")
    return Job(profile, paths, REFERENCES["mixture"])


@pytest.mark.parametrize("lost", [0, 1], ids=["none lost", "one lost"])
def test_scores_have_the_same_data_version_however_many_of_their_parts_were_kept(job: Job, lost: int) -> None:
    first = make_scores_from_stems(job)
    before = pd.read_parquet(job.paths.scores("mixture"))
    parts = sorted(job.paths.score_parts("mixture").rglob("*.parquet"))
    assert len(parts) == len(TRACKS)
    for part in parts[:lost]:
        part.unlink()

    again = make_scores_from_stems(job)

    assert again.content == first.content
    pd.testing.assert_frame_equal(pd.read_parquet(job.paths.scores("mixture")), before, check_exact=True)
    assert before.window.dtype == "Int64"


LOW_HZ = 16_000


@pytest.fixture
def low(job: Job) -> tuple[Job, np.ndarray]:
    """That of scoring at the files' rate one track of 16 kHz; and its vocals and accompaniment at 16 kHz, as int16."""
    rng = np.random.default_rng(0)
    time_seconds = np.arange(3 * LOW_HZ) / LOW_HZ
    truth = np.empty((2, 2, 3 * LOW_HZ), np.int16)
    truth[0] = 6000 * np.sin(2 * np.pi * 400 * time_seconds + 3 * np.sin(2 * np.pi * 5 * time_seconds))
    truth[1] = 2000 * np.convolve(
        rng.standard_normal(3 * LOW_HZ), np.hanning(10), mode="same"
    )  # little near 8 kHz, as in music
    stems = np.zeros((5, 2, 3 * 44_100), np.int16)
    stems[4], stems[3] = (np.rint(resample(one.astype(np.float32), LOW_HZ, 44_100)) for one in truth)
    stems[0] = stems[3] + stems[4]
    for name in TRACKS[1:]:
        (job.paths.stems("test") / f"{name}.json").unlink()
    np.save(job.paths.stems("test") / "one.npy", stems)
    pd.DataFrame({"name": ["one"], "source_sample_rate_hz": [LOW_HZ]}).to_parquet(job.paths.tracks)
    return replace(job, profile=replace(job.profile, scoring_rate="files")), truth


def test_a_track_of_a_low_rate_has_the_scores_that_its_files_have_at_that_rate(low: tuple[Job, np.ndarray]) -> None:
    job, truth = low
    make_scores_from_stems(job)
    found = pd.read_parquet(job.paths.scores("mixture"))
    mixture = truth.sum(axis=0) / 32_768
    native = score_track(truth, {"mixture": np.stack([mixture, mixture])}, sample_rate_hz=LOW_HZ)
    keys = ["target", "metric", "window"]
    both = found.merge(native, on=keys, suffixes=("", "_native"))
    assert len(both) == len(found) == len(native)
    certain = both[both.metric.isin(["SDR", "SIR"])]
    np.testing.assert_allclose(certain.value, certain.value_native, atol=0.05)


def test_what_an_estimate_adds_above_the_files_band_does_not_count(low: tuple[Job, np.ndarray]) -> None:
    job, _ = low
    plain = score_part(job.profile, job.paths, job.own, 0, "one", scorer="fast")
    tone = 0.01 * np.sin(2 * np.pi * 12_000 * np.arange(3 * 44_100) / 44_100)
    noisy = replace(REFERENCES["mixture"], method=lambda stems: stems[0] / 32_768 + tone)
    with_tone = score_part(job.profile, job.paths, noisy, 0, "one", scorer="fast")
    certain = plain.metric.isin(["SDR", "SIR", "ISR"])
    np.testing.assert_allclose(with_tone.value[certain], plain.value[certain], atol=0.01)


def test_windows_of_silence_are_found_at_the_rate_of_the_files(low: tuple[Job, np.ndarray]) -> None:
    job, _ = low
    path = job.paths.stems("test") / "one.npy"
    stems = np.load(path)
    stems[4, :, 44_100:] = 0
    np.save(path, stems)
    scores = score_part(job.profile, job.paths, job.own, 0, "one", scorer="fast")
    silent = set(scores.window[scores.window.notna() & scores.value.isna()].astype(int))
    assert silent == silent_windows(job.profile, job.paths, job.own, 0, "one") == {2}
