"""museval's own files, written and read."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.job import Job
from assets.making.scores import _write
from assets.paths import Paths
from pipelines.profiles import PROFILES
from sepmodels.errors import UserError
from sepmodels.results.per_track import TrackTable
from sepmodels.scoring import METRICS, read_museval_files, write_museval_files
from sepmodels.systems.given_scores import GivenScores

TARGETS = ("vocals", "accompaniment")


def table_of_scores(*, variants: tuple[str, ...] = ("net",), seeds: tuple[int, ...] = (42,)) -> pd.DataFrame:
    """Made-up scores of four tracks, with windows that are NaN or infinite."""
    rng = np.random.default_rng(0)
    rows = [
        (variant, seed, track, target, metric, window, rng.normal(5, 4))
        for variant in variants
        for seed in seeds
        for track in ("A - One", "B - Two. Three", "C", "D")
        for target in TARGETS
        for metric in METRICS
        for window in range(12)
    ]
    table = pd.DataFrame(rows, columns=["variant", "seed", "track", "target", "metric", "window", "value"])
    table.loc[table.window == 3, "value"] = np.nan
    table.loc[(table.window == 5) & (table.metric == "SIR"), "value"] = np.inf
    whole = table[(table.window == 0) & (table.metric == "SDR")].assign(metric="uSDR", window=None)
    return pd.concat([table, whole], ignore_index=True).astype({"window": "Int64"})


def test_what_is_written_comes_back_to_five_decimals(tmp_path: Path) -> None:
    scores = table_of_scores()
    write_museval_files(scores, tmp_path)
    back = read_museval_files(tmp_path / "net", seed=42)
    expected = scores[scores.window.notna()].replace(np.inf, np.nan)
    keys = ["track", "target", "metric", "window"]
    pd.testing.assert_frame_equal(
        back.sort_values(keys, ignore_index=True), expected.sort_values(keys, ignore_index=True), rtol=0, atol=6e-6
    )


def test_two_files_of_one_track_are_refused_with_both_paths(tmp_path: Path) -> None:
    write_museval_files(table_of_scores(), tmp_path)
    test = tmp_path / "net" / "test"
    (test / "hq").mkdir()
    shutil.copy(test / "D.json", test / "hq" / "D.json")
    with pytest.raises(UserError, match=f"two files of 'D', {test / 'D.json'} and {test / 'hq' / 'D.json'}: leave one"):
        read_museval_files(tmp_path / "net")


def test_what_is_written_loads_with_museval_and_aggregates_as_museval_does(tmp_path: Path) -> None:
    from museval import EvalStore, MethodStore

    write_museval_files(table_of_scores(), tmp_path)
    methods, store = MethodStore(), EvalStore()
    methods.add_eval_dir(str(tmp_path / "net"))
    store.add_eval_dir(str(tmp_path / "net"))
    assert set(methods.df.method) == {"net"}
    ours = TrackTable(read_museval_files(tmp_path / "net"))
    for (target, metric), authority in store.agg_frames_tracks_scores().items():
        assert np.median(ours.values("net", target, metric)) == authority


def test_files_follow_musevals_schema(tmp_path: Path) -> None:
    import simplejson
    from jsonschema import validate
    from museval import TrackStore

    path = write_museval_files(table_of_scores(), tmp_path, hop_seconds=0.5)[0]
    content = simplejson.loads(path.read_text(encoding="utf-8"), allow_nan=True)
    validate(content, TrackStore("any").schema)
    assert [frame["time"] for frame in content["targets"][0]["frames"][:3]] == [0, 0.5, 1.0]


def test_a_variant_with_several_seeds_is_a_method_for_each(tmp_path: Path) -> None:
    write_museval_files(table_of_scores(variants=("one", "two"), seeds=(1, 2)), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"one_seed_1", "one_seed_2", "two_seed_1", "two_seed_2"}


def test_files_may_lie_in_the_folder_itself(tmp_path: Path) -> None:
    paths = write_museval_files(table_of_scores(), tmp_path / "written")
    flat = tmp_path / "Some System"
    flat.mkdir()
    for path in paths:
        path.rename(flat / path.name)
    table = read_museval_files(flat)
    assert table.variant.unique().tolist() == ["Some System"]
    assert table.track.nunique() == 4


@pytest.mark.parametrize("content", ["{", "[]", '{"targets": [{"name": "vocals", "frames": [{}]}]}', "12"])
def test_every_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    paths = write_museval_files(table_of_scores(), tmp_path)
    for path in paths[:2]:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="not whole museval files") as fault:
        read_museval_files(tmp_path / "net")
    assert all(str(path) in str(fault.value) for path in paths[:2])
    assert str(paths[2]) not in str(fault.value)


def test_a_folder_without_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no museval files: expected test/<track>"):
        read_museval_files(tmp_path)


def test_the_files_of_tracks_and_seeds_that_there_are_no_more_are_removed_and_other_systems_are_let_be(
    tmp_path: Path,
) -> None:
    paths = Paths(tmp_path, "demo")

    def written(name: str, scores: pd.DataFrame) -> set[str]:
        _write(Job(PROFILES["demo"], paths, GivenScores(name, name, "", scores=tmp_path)), scores, [])
        return {file.relative_to(paths.museval_files).as_posix() for file in paths.museval_files.rglob("*.json")}

    others = written("network", table_of_scores(variants=("network",)))
    before = table_of_scores(variants=("net",))
    assert len(written("net", before) - others) == 4
    after = table_of_scores(variants=("net",), seeds=(1, 2))
    after = after[after.track.isin(["C", "D"])]
    expected = {f"net_seed_{seed}/test/{track}.json" for seed in (1, 2) for track in "CD"}
    assert written("net", after) == others | expected
    assert not (paths.museval_files / "net").exists()
