"""The graph with a test set beside the profile's own."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from assets.graph import benchmark_steps, benchmark_subjects
from assets.job import Job
from assets.making import part_work
from assets.other_test_sets import paths_on, scope, seen_on, systems_on
from assets.paths import Paths
from assets.staleness.code.version import CodeVersion
from assets.staleness.products import products
from assets.staleness.standing import Subject, asset_name
from assets.staleness.step_version import step_version
from assets.step import Step
from pipelines.profiles import PROFILES
from sepmodels.dataset.other_test_sets import read_test_set
from sepmodels.systems import known_systems
from sepmodels.systems.added import Added
from sepmodels.systems.ensemble import Ensemble
from sepmodels.systems.given_audio import GivenAudio
from sepmodels.systems.given_scores import GivenScores
from tests.karaoke_clips import write_clips

SYSTEMS = [known_systems()[name] for name in ("open_unmix", "l1_loss", "mixture")]
OWN = PROFILES["musdb18-7s"]
OF_ALL = {"results", "claims", "report"}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clips(tmp_path_factory.mktemp("clips"))


def subjects(data: Path, *sets: str) -> dict[str, Subject]:
    profile = replace(OWN, test_sets=sets)
    return {asset_name(one.key): one for one in benchmark_subjects(profile, Paths(data, OWN.name), SYSTEMS)}


def test_a_set_has_its_own_tracks_estimates_and_scores_and_no_training(clips: Path, tmp_path: Path) -> None:
    own, both = subjects(tmp_path), subjects(tmp_path, f"songs={clips}:voice=right")
    parts = ("dataset", "tracks", "stems", "open_unmix/estimates", "open_unmix/scores", "l1_loss/estimates")
    new = {f"{name}/songs" for name in (*parts, "l1_loss/scores", "mixture/scores")}
    assert both.keys() - own.keys() == new
    needs = {asset_name(need) for need in both["open_unmix/estimates/songs"].needs}
    assert needs == {"open_unmix/checkpoint", "stems/songs"}
    assert {asset_name(need) for need in both["results"].needs} >= {"open_unmix/scores/songs", "tracks/songs"}


def test_a_set_that_is_added_makes_stale_only_what_is_of_all_sets(clips: Path, tmp_path: Path) -> None:
    own, both = subjects(tmp_path), subjects(tmp_path, f"songs={clips}:voice=right")
    changed = {name for name, one in own.items() if (both[name].version, both[name].needs) != (one.version, one.needs)}
    assert changed == OF_ALL


def test_an_edit_of_the_scorer_or_of_a_model_makes_the_scores_on_every_set_stale(clips: Path, tmp_path: Path) -> None:
    both = subjects(tmp_path, f"songs={clips}:voice=right")
    for kind, part in (
        ("scores", "sepmodels/scoring/track.py::score_track"),
        ("estimates", "sepmodels/separation/separate.py::separate"),
    ):
        here, there = both[f"open_unmix/{kind}"].version.parts, both[f"open_unmix/{kind}/songs"].version.parts
        assert here[part] == there[part]


def test_all_that_a_set_makes_lies_in_a_folder_of_its_own_but_for_models(clips: Path, tmp_path: Path) -> None:
    own = {path for one in subjects(tmp_path).values() for path in one.products}
    both = subjects(tmp_path, f"songs={clips}:voice=right")
    place = tmp_path / OWN.name / "test_sets" / "songs"
    new = {path for name, one in both.items() if name.endswith("/songs") for path in one.products}
    assert new
    assert not new & own
    assert all(place in path.parents for path in new)


def test_what_was_given_counts_on_a_set_only_where_there_are_files_for_it(tmp_path: Path) -> None:
    both = GivenAudio(name="both", title="Both", summary="", estimates=tmp_path / "both")
    one = GivenAudio(name="one", title="One", summary="", estimates=tmp_path / "one")
    table = GivenScores(name="table", title="Table", summary="", scores=tmp_path / "scores" / "all.csv")
    mean = Ensemble(name="mean", title="Mean", summary="", mean=("both", "one"))
    (tmp_path / "both.songs").mkdir()
    (tmp_path / "one" / "songs").mkdir(parents=True)  # a track of the own set, for all one knows
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "all.csv").write_text("track,target,SDR\n")
    (tmp_path / "scores" / "all.songs.csv").write_text("track,target,SDR\n")
    found = {system.name: system for system in systems_on([*SYSTEMS, both, one, table, mean], "songs")}
    assert found.keys() == {"open_unmix", "l1_loss", "mixture", "both", "table"}
    assert found["both"].estimates == tmp_path / "both.songs"
    assert found["table"].scores == tmp_path / "scores" / "all.songs.csv"


def test_what_is_given_for_a_set_is_no_part_of_what_is_given_for_the_own_one(tmp_path: Path) -> None:
    def version(system: Added) -> CodeVersion:
        steps = [step for step in benchmark_steps(OWN, [system]) if step.system]
        return step_version(steps[0], OWN, Paths(tmp_path, OWN.name))

    audio = GivenAudio(name="audio", title="Audio", summary="", estimates=tmp_path / "audio")
    scores = GivenScores(name="scored", title="Scored", summary="", scores=tmp_path / "scores")
    files = {audio: "A song/vocals.wav", scores: "A song.json"}
    for system, file in files.items():
        (system.files / file).parent.mkdir(parents=True)
        (system.files / file).write_text("{}")
        before = version(system)
        place = tmp_path / system.given_for("songs").partition(",")[0]
        (place / file).parent.mkdir(parents=True)
        (place / file).write_text("other")
        assert systems_on([system], "songs")[0].files == place
        assert version(system) == before


def test_a_step_of_the_own_test_split_sees_profile_and_places_as_they_are(tmp_path: Path) -> None:
    step = Step(("tracks",), lambda job: job, group="data", description="")
    paths = Paths(tmp_path, OWN.name)
    assert scope(step, OWN, paths) == (OWN, paths)
    assert list(products(step, OWN, paths)) == [paths.tracks]


def test_a_worker_of_a_cluster_works_in_the_set_s_places(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = replace(OWN, test_sets=(f"songs={clips}:voice=right",))
    one = read_test_set(profile.test_sets[0])
    paths = paths_on(Paths(tmp_path, OWN.name), one)
    job = Job(seen_on(profile, one), paths, known_systems()["mixture"])
    found: list[Job] = []
    monkeypatch.setattr(part_work, "score_ahead", lambda job, _seed, _tracks: found.append(job))
    told = SimpleNamespace(log=None, progress=None, say=None)
    part_work.score_tracks(told, seed=0, tracks=["ann_1_01"], **json.loads(json.dumps(part_work.job_arguments(job))))
    assert found[0].paths == paths
    assert found[0].profile == job.profile
