"""Systems that a person adds: a row of each kind, made for real on two short test tracks; a tiny model is trained."""

import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from assets.graph import benchmark_subjects
from assets.job import Job
from assets.making.dataset import make_dataset, make_stems_test, make_tracks
from assets.paths import Paths
from assets.staleness.standing import standings
from sepmodels.audio import FULL_SCALE, SAMPLE_RATE_HZ
from sepmodels.audio.io import write_audio
from sepmodels.dataset.stem_cache import cached_names, load_stems
from sepmodels.models.model_file import load_model
from sepmodels.settings import Profile
from sepmodels.systems import read_systems
from sepmodels.systems.added import Added
from sepmodels.systems.augmented import Augmented
from sepmodels.systems.ensemble import Ensemble
from sepmodels.systems.given_audio import GivenAudio
from sepmodels.systems.given_scores import GivenScores
from sepmodels.systems.outside_variants import find_outside_variant
from sepmodels.systems.program import Program
from sepmodels.systems.python_function import PythonFunction
from sepmodels.systems.references import REFERENCES
from sepmodels.systems.system_files import write_system
from tests.outside_model import edit, forget_outside_model, write_outside_model
from tests.small_benchmark import materialize, small_profile

pytestmark = pytest.mark.slow


@dataclass
class Done:
    profile: Profile
    paths: Paths
    result: dg.ExecuteInProcessResult
    instance: dg.DagsterInstance
    proposals: Path

    def rows(self, target: str = "vocals") -> pd.DataFrame:
        summary = pd.read_parquet(self.paths.results / "results.parquet")
        return summary[summary.target == target].set_index("variant")

    def stale(self) -> set[str]:
        systems = [*REFERENCES.values(), *read_systems(self.paths.systems).values()]
        subjects = benchmark_subjects(self.profile, self.paths, systems)
        found = zip(subjects, standings(subjects, self.instance), strict=True)
        return {"/".join(subject.key.path[1:]) for subject, one in found if one.state != "fresh"}


# A separator that a person has: a function and a command.
THEIRS = """
import sys
import numpy as np

def separate(mixture, sample_rate_hz):
    print("I talk while I work")
    return np.repeat(0.6 * mixture.mean(axis=0, keepdims=True), 2, axis=0)

if __name__ == "__main__":
    import soundfile
    mixture, rate = soundfile.read(sys.argv[1], dtype="float32")
    soundfile.write(f"{sys.argv[2]}/the vocals.wav", separate(mixture.T, rate).T, rate, subtype="FLOAT")
"""


def added_systems(folder: Path, paths: Paths, tracks: list[str]) -> Iterator[Added]:
    """One of each kind; those that can be are the same separator by another way."""
    script = folder / "theirs.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(THEIRS)
    estimates = {}
    for track in tracks:
        mixture = load_stems(paths.stems("test"), track)[0].astype(np.float32) / FULL_SCALE
        estimates[track] = np.repeat(0.6 * mixture.mean(axis=0, keepdims=True), 2, axis=0)
        write_audio(folder / "audio" / "test" / track / "vocals.wav", estimates[track], SAMPLE_RATE_HZ)
    yield GivenAudio("as_audio", "As audio", "", estimates=folder / "audio")
    spelt = tracks[0].lower().replace(" ", "_")
    write_audio(folder / "half" / f"{spelt}_vocals.flac", 0.9 * estimates[tracks[0]], SAMPLE_RATE_HZ)
    yield GivenAudio("half", "Half", "", estimates=folder / "half", trained_on_tracks=tuple(tracks[:1]))
    python = shlex.quote(sys.executable)
    yield Program(
        "by_command",
        "By command",
        "",
        command=f"{python} {script} {{mixture}} {{out}}",
        vocals="{out}/the voc*.wav",
        version_command=f"{python} --version",
    )
    yield PythonFunction("by_python", "By Python", "", python=f"{script}:separate", trained_on="nothing at all")
    yield Ensemble("both", "Both", "", mean=("as_audio", "by_python"), weights=(1.0, 3.0))
    yield Ensemble("partly", "Partly", "", mean=("as_audio", "half"))
    yield Augmented("heard_often", "Heard often", "", augmented="filtered", shifts=1)
    columns = {"track": tracks, "target": "vocals", "SDR": [5.0, 7.0]}
    pd.DataFrame(columns).to_csv(folder / "scores.csv", index=False)
    yield GivenScores("published", "Published", "", scores=folder / "scores.csv")


@pytest.fixture(scope="module")
def done(stem_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """The benchmark of the references and of what was added."""
    data = tmp_path_factory.mktemp("data")
    profile = small_profile(stem_dataset)
    paths = Paths(data, profile.name)
    for make in (make_dataset, make_tracks, make_stems_test):
        make(Job(profile, paths))
    theirs = tmp_path_factory.mktemp("theirs")
    proposals = write_outside_model(theirs / "model")
    write_system(find_outside_variant(str(proposals), "filtered"), paths.systems)
    for system in added_systems(theirs, paths, cached_names(paths.stems("test"))):
        write_system(system, paths.systems)
    with dg.instance_for_test() as instance:
        result = materialize(profile, data, instance, [], read_systems(paths.systems).values())
        yield Done(profile, paths, result, instance, proposals)
    forget_outside_model(proposals)


def test_every_added_system_is_made_and_every_check_of_it_passes(done: Done) -> None:
    assert done.result.success
    failed = [one for one in done.result.get_asset_check_evaluations() if not one.passed]
    assert [(one.asset_key.path, one.check_name, one.description) for one in failed] == []


def test_a_separator_scores_the_same_as_audio_as_a_program_as_a_function_and_in_a_mean_of_itself(done: Done) -> None:
    for target in ("vocals", "accompaniment"):
        rows = done.rows(target)
        for name in ("by_command", "by_python", "both"):
            for metric in ("SDR", "SIR", "SAR", "ISR"):
                assert rows.loc[name, metric] == pytest.approx(rows.loc["as_audio", metric], abs=0.01)
    kinds = done.rows().kind
    assert kinds[["as_audio", "by_command", "by_python", "both"]].tolist() == [
        "given audio",
        "program",
        "Python",
        "ensemble",
    ]


def test_a_model_that_hears_each_track_several_times_is_a_row_beside_the_model(done: Done) -> None:
    rows = done.rows()
    assert rows.kind["heard_often"] == "augmented"
    assert rows.SDR["heard_often"] > rows.SDR["filtered"] - 1


def test_audio_that_fits_as_it_is_becomes_a_link_and_no_copy(done: Done) -> None:
    track = cached_names(done.paths.stems("test"))[0]
    assert done.paths.estimate("as_audio", 0, track).is_symlink()


def test_half_of_the_tracks_are_scored_and_the_others_are_named(done: Done) -> None:
    assert done.rows().tracks["half"] == 1
    assert done.rows().remark["half"] == "has seen 1 of 2 test tracks, 1 of 2 tracks"
    assert done.rows().place["half"] == "apart"
    assert done.rows().tracks["partly"] == 1  # a mean of a system that lacks a track lacks it as well
    lacking = cached_names(done.paths.stems("test"))[1]
    assert json.loads(done.paths.findings("partly").read_text())[-1] == (
        f"1 of 2 tracks have no estimate that can be used, such as {lacking}: half has no estimate of it that can be "
        "read."
    )


def test_what_a_system_learnt_from_is_said_and_where_nobody_told_it_that_is_said_too(done: Done) -> None:
    notes = " ".join(json.loads((done.paths.results / "said.json").read_text())["notes"])
    assert "Half has seen 1 of the 2 test tracks" in notes
    assert "What As audio, By command and Published learnt from is unknown" in notes


def test_given_scores_are_a_row_that_is_not_ranked(done: Done) -> None:
    assert done.rows().SDR["published"] == 6.0
    assert done.rows().place["published"] == "elsewhere"


def test_each_system_is_a_group_with_its_chain(done: Done) -> None:
    made = {"/".join(event.asset_key.path[1:]) for event in done.result.get_asset_materialization_events()}
    assert {"as_audio/estimates", "as_audio/scores", "published/scores"} <= made


def test_the_report_plays_them(done: Done) -> None:
    page = (done.paths.report / "index.html").read_text(encoding="utf-8")
    assert "as_audio/vocals" in page
    assert "published/vocals" not in page


def test_a_model_in_a_person_s_own_folder_is_trained_and_scored(done: Done) -> None:
    assert done.rows().kind["filtered"] == "trained"
    model, variant = load_model(done.paths.model("filtered", done.profile.seeds[0]))
    assert variant.settings == {"module": "tiny_net", "settings": {"width": 3}}
    assert sum(parameter.numel() for parameter in model.parameters()) == 65


def test_a_registered_model_from_outside_brings_its_own_modules(done: Done) -> None:
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{done.paths.data}/mlflow/mlflow.db")
    packed = mlflow.artifacts.download_artifacts(f"models:/sepbench-{done.profile.name}-filtered/latest")
    assert {"tiny_net.py", "blocks_of_mine.py", "sepmodels"} <= {file.name for file in Path(packed).glob("code/*")}


def test_an_edit_in_a_person_s_own_folder_makes_that_variant_stale_and_no_other_system(done: Done) -> None:
    assert done.stale() == set()
    edit(done.proposals.with_name("blocks_of_mine.py"), "/ 2", "/ 3")
    chain = {"filtered/checkpoint", "filtered/estimates", "filtered/scores"}
    assert done.stale() == {*chain, "heard_often/estimates", "heard_often/scores", "results", "report"}
    edit(done.proposals.with_name("blocks_of_mine.py"), "/ 3", "/ 2")
    assert done.stale() == set()
