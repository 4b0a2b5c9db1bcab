"""Scores of tracks that were kept from before are, to the last bit and type, those that were made."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.job import Job
from assets.making.scores import make_scores_from_stems
from assets.paths import Paths
from pipelines.profiles import PROFILES
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
