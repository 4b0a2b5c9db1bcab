"""The whole benchmark on two-channel karaoke of 16 kHz."""

from collections.abc import Iterator
from dataclasses import replace

import dagster as dg
import pandas as pd
import pytest

from assets.paths import Paths
from pipelines.profiles import PROFILES, complete
from tests.karaoke_clips import write_clips
from tests.small_benchmark import materialize

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Paths, dg.ExecuteInProcessResult]]:
    own = PROFILES["karaoke"]
    profile = replace(
        own,
        dataset=replace(own.dataset, folder=str(write_clips(tmp_path_factory.mktemp("clips")))),
        training=replace(own.training, batch=2, chunk_seconds=1.0, chunks_per_track=2, steps=2),
    )
    data = tmp_path_factory.mktemp("data")
    with dg.instance_for_test() as instance:
        yield (
            Paths(data, profile.name),
            materialize(complete(profile, own), data, instance, ["open_unmix"], selection="*karaoke/results"),
        )


def test_every_clip_of_the_test_split_is_separated_and_scored(
    done: tuple[Paths, dg.ExecuteInProcessResult],
) -> None:
    paths, result = done
    assert result.success
    scores = pd.read_parquet(paths.scores("open_unmix"))
    tracks = pd.read_parquet(paths.tracks)
    assert set(scores.track) == set(tracks.name[tracks.split == "test"])
    assert scores.value[scores.metric == "SDR"].notna().any()


def test_the_scores_are_museval_s_at_the_files_rate_and_the_table_says_so(
    done: tuple[Paths, dg.ExecuteInProcessResult],
) -> None:
    paths, result = done
    looks = [one for one in result.get_asset_check_evaluations() if one.asset_key.path[-1] == "scores"]
    assert len(looks) > 3
    assert all(one.passed for one in looks)
    said = "The tracks are scored at their files' rate, 16,000 Hz: what is above 8,000 Hz does not count."
    assert said in (paths.results / "results.md").read_text(encoding="utf-8")
    (tracks,) = result.asset_materializations_for_node("karaoke__tracks")
    assert tracks.metadata["scored_at"].value == said


def test_the_dataset_says_which_channel_is_what(done: tuple[Paths, dg.ExecuteInProcessResult]) -> None:
    (made,) = done[1].asset_materializations_for_node("karaoke__dataset")
    assert "Each file is a track: the voice is its right channel" in str(made.metadata["channels"].value)
