"""The whole benchmark with a test set beside the profile's own: two-channel karaoke of 16 kHz."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from assets.other_test_sets import TestSetPaths
from assets.paths import Paths
from assets.staleness.last_made import CARRIED
from assets.staleness.standing import REFRESH_TAGS
from assets.tracking.store import open_store
from pipelines.profiles import PROFILES, complete
from sepmodels.settings import Profile
from sepmodels.systems.references import REFERENCES
from tests.karaoke_clips import NAMES, write_clips
from tests.small_benchmark import materialize, small_profile

pytestmark = pytest.mark.slow


@dataclass
class Done:
    profile: Profile
    paths: Paths
    there: Paths
    instance: dg.DagsterInstance
    result: dg.ExecuteInProcessResult


@pytest.fixture(scope="module")
def done(stem_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """The benchmark of one variant on its own set, and then again with three clips beside."""
    data, folder = tmp_path_factory.mktemp("data"), write_clips(tmp_path_factory.mktemp("clips"), NAMES[:3])
    own = complete(small_profile(stem_dataset), PROFILES["musdb18-7s"])
    profile = replace(own, test_sets=(f"songs={folder}:voice=right",), measures=("PES", "bleedless"))
    with dg.instance_for_test() as instance:
        first = materialize(own, data, instance, ["open_unmix"], selection="*musdb18-7s/open_unmix/scores")
        assert first.success
        result = materialize(profile, data, instance, ["open_unmix"], tags=REFRESH_TAGS)
        there = TestSetPaths(data, profile.name, test_set="songs")
        yield Done(profile, Paths(data, profile.name), there, instance, result)


def names(result: dg.ExecuteInProcessResult, *, carried: bool) -> set[str]:
    """The products that were carried over as they were, or that were made."""
    events = result.get_asset_materialization_events()
    return {
        "/".join(one.asset_key.path[1:])
        for one in events
        if (CARRIED in one.step_materialization_data.materialization.metadata) == carried
    }


def test_a_set_that_is_added_is_separated_and_scored_and_nothing_is_trained_or_scored_again(done: Done) -> None:
    assert done.result.success
    kept = names(done.result, carried=True)
    assert {"open_unmix/checkpoint", "open_unmix/estimates", "open_unmix/scores", "stems/train", "tracks"} <= kept
    made = names(done.result, carried=False)
    assert {
        "dataset/songs",
        "tracks/songs",
        "stems/songs",
        "open_unmix/estimates/songs",
        "mixture/scores/songs",
    } <= made
    scores = pd.read_parquet(done.there.scores("open_unmix"))
    assert set(scores.track) == set(NAMES[:3])
    assert done.there.estimate("open_unmix", 42, NAMES[0]).exists()


def test_the_scores_on_the_set_are_museval_s_at_its_files_rate(done: Done) -> None:
    looks = [one for one in done.result.get_asset_check_evaluations() if one.asset_key.path[-1] == "songs"]
    assert {one.check_name for one in looks} >= {"one_track_scores_as_by_museval", "no_track_was_learnt_from"}
    assert [one.check_name for one in looks if not one.passed] == []
    page = (done.there.results / "results.md").read_text(encoding="utf-8")
    assert "The tracks are scored at their files' rate, 16,000 Hz" in page
    assert "The 3 tracks are of 2 artists." in page
    assert "clips of" not in page  # each singer's clips are one sample already


def test_table_and_report_have_both_sets(done: Done) -> None:
    across = pd.read_parquet(done.paths.results / "across.parquet")
    assert set(across.dataset) == {"musdb18-7s", "songs"}
    assert set(across.variant[across.dataset == "songs"]) == {"open_unmix", *REFERENCES}
    assert (done.there.report / "index.html").exists()


def test_measures_that_are_asked_for_are_products_of_their_own_on_each_set_and_make_no_score_stale(done: Done) -> None:
    made = names(done.result, carried=False)
    for name in ("open_unmix", "mixture"):
        assert {f"{name}/measures", f"{name}/measures/songs"} <= made
    for paths, tracks in ((done.paths, 2), (done.there, 3)):
        rows = pd.read_parquet(paths.measured("open_unmix"))
        assert len(rows) == tracks * 2 * 2  # targets and measures
        page = (paths.results / "results.md").read_text(encoding="utf-8")
        assert "## Measures beside BSSEval" in page
        assert 'id="measured"' in (paths.report / "index.html").read_text(encoding="utf-8")


def test_the_page_of_all_sets_has_the_measures_of_each(done: Done) -> None:
    page = (done.paths.results / "results.md").read_text(encoding="utf-8")
    own, _, beside = page.partition("\n## On other music\n")
    assert own.count("\n## Measures beside BSSEval\n") == 1
    assert beside.count("\n### Measures beside BSSEval\n") == 1


def test_mlflow_has_the_scores_on_the_set_with_the_training_under_the_set_s_name(done: Done) -> None:
    client = open_store(done.paths.data / "mlflow")
    experiment = client.get_experiment_by_name(f"sepbench/{done.profile.name}")
    runs = client.search_runs([experiment.experiment_id], "tags.`dagster.asset_key` LIKE '%/open_unmix/checkpoint'")
    (metrics,) = [run.data.metrics for run in runs if "test_SDR_db" in run.data.metrics]
    summary = pd.read_parquet(done.there.results / "results.parquet")
    row = summary[(summary.variant == "open_unmix") & (summary.target == "vocals")].iloc[0]
    assert metrics["songs_SDR_db"] == row.SDR
    assert metrics["songs_SDR_db"] != metrics["test_SDR_db"]
