"""The whole benchmark, through a real Dagster instance and a real MLflow store, on a small dataset."""

import io
import json
import multiprocessing
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import torch

from assets.job import Job
from assets.making.cost import can_be_measured, costs, is_measured, measure
from assets.making.report import make_report
from assets.making.table import make_table
from assets.paths import Paths
from assets.tracking.store import open_store
from pipelines.packing.code_checks import checks_of_the_code
from pipelines.packing.dataset_checks import checks_of_the_dataset
from pipelines.packing.dataset_here import dataset_here
from pipelines.packing.gathering import Wishes, recorded
from pipelines.packing.packing import pack_result
from pipelines.packing.verifying import verify_pack
from pipelines.profiles import PROFILES, complete
from pipelines.terminal import Terminal
from sepmodels.models.model_file import load_model
from sepmodels.packing.checked import checked
from sepmodels.packing.container import opened_pack
from sepmodels.packing.parts import Packed, training_edits_name
from sepmodels.progress import silent
from sepmodels.results.given import read_given_scores
from sepmodels.settings import Profile
from sepmodels.systems.references import REFERENCES
from sepmodels.systems.variants import VARIANTS, Variant
from tests.conftest import synthetic_stems, write_stem_file
from tests.packs import Change, edited, in_json, in_table, in_text, parts_of
from tests.small_benchmark import materialize, small_profile

pytestmark = pytest.mark.slow

ADDED = Variant(
    name="smaller",
    title="Smaller",
    summary="Open-Unmix with a hidden size of 64; it is in the list only while this test runs.",
    architecture="open_unmix",
    settings={"hidden": 64},
    loss="magnitude_l1",
)


@dataclass
class Done:
    profile: Profile
    paths: Paths
    instance: dg.DagsterInstance
    result: dg.ExecuteInProcessResult


@pytest.fixture(scope="module")
def done(stem_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """The benchmark of two variants, one of which was added to the list of variants and nowhere else."""
    data = tmp_path_factory.mktemp("data")
    profile = complete(small_profile(stem_dataset), PROFILES["musdb18-7s"])
    with pytest.MonkeyPatch.context() as patch, dg.instance_for_test() as instance:
        patch.setitem(VARIANTS, ADDED.name, ADDED)
        result = materialize(profile, data, instance, ["open_unmix", ADDED.name])
        yield Done(profile, Paths(data, profile.name), instance, result)


def test_every_asset_is_made(done: Done) -> None:
    assert done.result.success
    made = {"/".join(event.asset_key.path[1:]) for event in done.result.get_asset_materialization_events()}
    chains = {f"{name}/{part}" for name in ("open_unmix", "smaller") for part in ("checkpoint", "estimates", "scores")}
    stems = {f"stems/{split}" for split in ("train", "valid", "test")}
    references = {f"{name}/scores" for name in REFERENCES}
    assert made == {"dataset", "tracks", "statistics", "results", "claims", "report"} | chains | stems | references


def test_every_check_passes(done: Done) -> None:
    checks = done.result.get_asset_check_evaluations()
    assert len(checks) == 3 + 2 * 2 + (2 + len(REFERENCES)) * 2 + 1
    assert [(check.asset_key.path, check.check_name) for check in checks if not check.passed] == []


def run_check_alone(done: Done, asset: str, check: str) -> dg.AssetCheckEvaluation:
    key = dg.AssetKey([done.profile.name, *asset.split("/")])
    result = materialize(
        done.profile,
        done.paths.data,
        done.instance,
        ["open_unmix"],
        selection=dg.AssetSelection.checks(dg.AssetCheckKey(key, check)),
    )
    assert result.success
    assert result.get_asset_materialization_events() == []
    (found,) = result.get_asset_check_evaluations()
    return found


def test_a_check_can_be_run_alone_and_where_it_cannot_look_it_says_why(done: Done) -> None:
    asset, check = "open_unmix/estimates", "estimates_are_as_long_as_the_mixture"
    assert run_check_alone(done, asset, check).passed
    folder = done.paths.estimates("open_unmix", 42)
    folder.rename(folder.with_name("elsewhere"))
    found = run_check_alone(done, asset, check)
    folder.with_name("elsewhere").rename(folder)
    assert not found.passed
    assert found.description.startswith("It could not be looked at: ")


def test_every_materialization_is_an_mlflow_run_that_finished_and_is_linked_from_the_asset(done: Done) -> None:
    client = open_store(done.paths.data / "mlflow")
    experiment = client.get_experiment_by_name(f"sepbench/{done.profile.name}")
    runs = {run.data.tags["dagster.asset_key"]: run for run in client.search_runs([experiment.experiment_id])}
    events = done.result.get_asset_materialization_events()
    assert {event.asset_key.to_user_string() for event in events} == set(runs)
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    for event in events:
        link = event.materialization.metadata["mlflow_run"].value
        assert runs[event.asset_key.to_user_string()].info.run_id in link


def test_a_training_run_in_mlflow_has_the_variants_configuration_its_curves_and_its_files(done: Done) -> None:
    client = open_store(done.paths.data / "mlflow")
    experiment = client.get_experiment_by_name(f"sepbench/{done.profile.name}")
    key = f"{done.profile.name}/smaller/checkpoint"
    (run,) = client.search_runs([experiment.experiment_id], f"tags.`dagster.asset_key` = '{key}'")
    expected = {"variant.loss": "magnitude_l1", "variant.settings.hidden": "64", "training.steps": "4"}
    assert expected.items() <= run.data.params.items()
    assert len(run.data.tags["sepbench.reads.stems/train"]) == 64
    losses = client.get_metric_history(run.info.run_id, "loss")
    assert sorted(metric.step for metric in losses)[-1] == 4
    assert {"validation_loss", "learning_rate", "chunks_per_second"} <= set(run.data.metrics)
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert "loss.html" in files
    assert run.info.run_name == "smaller: first training"
    assert run.data.tags["mlflow.note.content"] == "Made because:\n\n- it has never been made"


def test_each_run_in_mlflow_names_the_tracks_that_it_read_and_a_training_those_of_its_test_too(done: Done) -> None:
    client = open_store(done.paths.data / "mlflow")
    experiment = client.get_experiment_by_name(f"sepbench/{done.profile.name}").experiment_id

    def read_by(part: str) -> dict[str, str]:
        (run,) = client.search_runs([experiment], f"tags.`dagster.asset_key` = '{done.profile.name}/smaller/{part}'")
        return {one.dataset.name: one.tags[0].value for one in run.inputs.dataset_inputs}

    contexts = {"train": "training", "valid": "validation", "test": "test"}
    expected = {f"{done.profile.name} {split}": context for split, context in contexts.items()}
    assert read_by("checkpoint") == expected
    assert read_by("scores") == {f"{done.profile.name} test": "test"}


def test_the_tables_figures_stand_with_each_trainings_run_in_mlflow(done: Done) -> None:
    client = open_store(done.paths.data / "mlflow")
    experiment = client.get_experiment_by_name(f"sepbench/{done.profile.name}")
    table = pd.read_parquet(done.paths.results / "results.parquet")
    for row in table[(table.kind == "trained") & (table.target == "vocals")].itertuples():
        key = f"{done.profile.name}/{row.variant}/checkpoint"
        (run,) = client.search_runs([experiment.experiment_id], f"tags.`dagster.asset_key` = '{key}'")
        said = {name: run.data.metrics[f"test_{name}_db"] for name in ("SDR", "SDR_low", "SIR", "SAR", "ISR")}
        assert said == pytest.approx({name: getattr(row, name) for name in said})


def test_the_trained_model_is_loaded_back_from_the_registry_by_its_name(
    done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    from assets.tracking.store import store_uri

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_uri(done.paths.data / "mlflow"))
    model = mlflow.pyfunc.load_model(f"models:/sepbench-{done.profile.name}-smaller/latest")
    mixture = np.random.default_rng(0).normal(0, 0.1, (2, 44_100)).astype(np.float32)
    assert np.asarray(model.predict(mixture)).shape == mixture.shape


def test_a_variant_that_is_one_entry_is_in_the_table(done: Done) -> None:
    summary = pd.read_parquet(done.paths.results / "results.parquet")
    assert set(summary.variant) == {"open_unmix", "smaller", *REFERENCES}
    text = (done.paths.results / "results.md").read_text()
    assert "Smaller" in text
    assert "BSSEval v4" in text


def test_a_variant_that_is_one_entry_is_in_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from pipelines.cli import app

    monkeypatch.setitem(VARIANTS, ADDED.name, ADDED)
    assert "smaller" in CliRunner().invoke(app, ["variants"]).output


def test_scores_have_a_row_per_system_seed_track_target_metric_and_window(done: Done) -> None:
    scores = pd.read_parquet(done.paths.scores("open_unmix"))
    assert list(scores.columns) == ["variant", "seed", "track", "target", "metric", "window", "value"]
    assert scores.track.nunique() == 2
    assert not scores.duplicated(["seed", "track", "target", "metric", "window"]).any()
    assert set(scores.metric) == {"SDR", "ISR", "SIR", "SAR", "uSDR", "SI-SDR"}


@pytest.mark.parametrize("setting", [{"scoring_workers": 2}, {"scorer": "museval", "scoring_workers": 1}])
def test_any_number_of_workers_and_museval_itself_give_the_same_scores(
    done: Done, tmp_path: Path, setting: dict[str, object]
) -> None:
    from assets.making.scores import make_scores

    before = pd.read_parquet(done.paths.scores("smaller"))
    shutil.copytree(done.paths.data, tmp_path / "data", ignore=shutil.ignore_patterns("scores", "mlflow"))
    paths = Paths(tmp_path / "data", done.profile.name)
    make_scores(Job(replace(done.profile, **setting), paths, ADDED, code_version="1"))
    after = pd.read_parquet(paths.scores("smaller"))
    pd.testing.assert_frame_equal(after, before, rtol=0, atol=1e-4)


def test_scoring_goes_on_where_it_was_and_does_again_what_another_scorer_or_code_did(
    done: Done, tmp_path: Path
) -> None:
    from assets.making.scores import make_scores

    shutil.copytree(done.paths.data, tmp_path / "data", ignore=shutil.ignore_patterns("scores", "mlflow"))
    paths = Paths(tmp_path / "data", done.profile.name)
    job = Job(done.profile, paths, ADDED, code_version="1")

    def written() -> dict[str, int]:
        make_scores(job)
        return {path.name: path.stat().st_mtime_ns for path in paths.score_parts("smaller").rglob("*.parquet")}

    first = written()
    lost, kept = sorted(first)
    next(paths.score_parts("smaller").rglob(lost)).write_bytes(b"cut off")
    second = written()
    assert second[kept] == first[kept]
    assert second[lost] > first[lost]
    job = replace(job, code_version="2")
    assert all(written()[name] > second[name] for name in second)


def test_an_estimate_that_was_cut_is_made_again_and_all_are_when_they_are_asked_for_anew(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assets.making.estimates import make_estimates

    monkeypatch.setitem(VARIANTS, ADDED.name, ADDED)
    shutil.copytree(done.paths.data, tmp_path / "data", ignore=shutil.ignore_patterns("scores", "mlflow"))
    job = Job(done.profile, Paths(tmp_path / "data", done.profile.name), ADDED, code_version="1")

    def written() -> dict[str, tuple[int, int]]:
        make_estimates(job)
        files = job.paths.estimates("smaller", 42).glob("*/vocals.wav")
        return {file.parent.name: (file.stat().st_size, file.stat().st_mtime_ns) for file in files}

    first = written()
    cut, kept = sorted(first)
    os.truncate(job.paths.estimate("smaller", 42, cut), 20_000)
    second = written()
    assert second[kept] == first[kept]
    assert second[cut][0] == first[cut][0]
    assert written() == second
    job = replace(job, anew=True)
    third = written()
    assert all(third[name][1] > second[name][1] for name in second)


def test_the_mixture_is_below_the_ideal_mask(done: Done) -> None:
    summary = pd.read_parquet(done.paths.results / "results.parquet")
    vocals = summary[summary.target == "vocals"].set_index("variant").SDR
    assert all(vocals["mixture"] < vocals[name] for name in ("ideal_binary_mask", "oracle_mask"))


def test_no_sample_of_a_test_track_is_where_training_reads(done: Done) -> None:
    from sepmodels.dataset.stem_cache import cached_names, load_stems

    def audio(split: str) -> dict[str, bytes]:
        folder = done.paths.stems(split)
        return {name: load_stems(folder, name).tobytes() for name in cached_names(folder)}

    learned = audio("train") | audio("valid")
    tested = audio("test")
    assert learned.keys().isdisjoint(tested)
    assert set(learned.values()).isdisjoint(tested.values())


def test_the_report_needs_no_network(done: Done) -> None:
    page = (done.paths.report / "index.html").read_text(encoding="utf-8")
    assert "Open-Unmix" in page
    assert "<script src" not in page
    assert "<link" not in page


def test_the_report_leads_to_every_product_in_dagster_and_mlflow(done: Done) -> None:
    page = (done.paths.report / "index.html").read_text(encoding="utf-8")
    for event in done.result.get_asset_materialization_events():
        name = "/".join(event.asset_key.path[1:])
        if name not in ("dataset", "stems/train", "stems/valid", "statistics", "report"):
            assert f'href="http://127.0.0.1:3000/dagster/assets/{done.profile.name}/{name}"' in page
            assert event.materialization.metadata["mlflow_run"].value.partition("#")[2] in page


def test_figures_are_kept_in_mlflow_and_shown_in_dagster(done: Done) -> None:
    events = {event.asset_key.path[-1]: event for event in done.result.get_asset_materialization_events()}
    for asset, name in (
        ("report", "scores"),
        ("report", "differences"),
        ("estimates", "one_estimate"),
        ("checkpoint", "loss_curve"),
    ):
        assert "](data:image/" in events[asset].materialization.metadata[name].value
    client = open_store(done.paths.data / "mlflow")

    def files(asset: str, folder: str | None = None) -> set[str]:
        run_id = re.search(r"/runs/(\w+)", events[asset].materialization.metadata["mlflow_run"].value)[1]
        return {file.path for file in client.list_artifacts(run_id, folder)}

    assert {"figures/scores.png", "figures/scores.svg", "figures/curves.svg"} <= files("report", "figures")
    assert "index.html" in files("report")
    assert "estimate.jpg" in files("estimates")


def test_a_file_that_is_damaged_fails_in_one_sentence_and_the_other_tracks_are_looked_at_too(
    tmp_path: Path,
) -> None:
    dataset = tmp_path / "dataset"
    for number, split in enumerate(["train", "train", "train", "test"]):
        write_stem_file(dataset / split / f"Song {number}.stem.mp4", synthetic_stems(number, seconds=2.0))
    whole = (dataset / "train" / "Song 1.stem.mp4").read_bytes()
    for number in (1, 2):
        (dataset / "train" / f"Song {number}.stem.mp4").write_bytes(whole[: len(whole) // 2])
    with dg.instance_for_test() as instance:
        result = materialize(small_profile(dataset), tmp_path / "data", instance, ["open_unmix"])
        (failure,) = [event for event in result.all_events if event.is_step_failure]
    said = failure.step_failure_data.user_failure_data.description
    assert (failure.step_failure_data.error.message, failure.step_failure_data.error.stack) == (said, [])
    assert "Song 1.stem.mp4" in said
    assert "Song 2.stem.mp4" in said
    assert "Traceback" not in said


EDITS_OF_A_TRAINING = "Edits of the code since commit abc.\n\ndiff --git a/sepmodels/x.py b/sepmodels/x.py\n+1\n"
PATCH = training_edits_name(EDITS_OF_A_TRAINING)


@pytest.fixture(scope="module")
def pack(done: Done, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack of the benchmark, with what was recorded of its products."""
    file = tmp_path_factory.mktemp("pack") / "result.zip"
    job = Job(done.profile, done.paths, systems=(VARIANTS["open_unmix"], ADDED, *REFERENCES.values()))
    known = replace(recorded(job, done.instance), edits={"smaller/checkpoint": EDITS_OF_A_TRAINING})
    pack_result(job, known, file, Wishes(models=True, sounds=True), Terminal(quiet=True))
    return file


def test_a_pack_holds_in_all_that_can_be_checked_without_the_dataset(pack: Path) -> None:
    console = Terminal(width=500)
    with console.capture() as screen:
        assert verify_pack(pack, console)
    assert "10 ok, 0 failed, 0 not checked." in screen.get(), screen.get()
    models = [name for name in parts_of(pack) if name.startswith("models/")]
    assert parts_of(pack)[PATCH].decode() == EDITS_OF_A_TRAINING
    assert models == ["models/open_unmix/seed_42/model.safetensors", "models/smaller/seed_42/model.safetensors"]


def version(product: str, **changes: object) -> Change:
    return in_json(lambda versions: versions[product].update(changes))


@pytest.mark.parametrize(
    ("part", "change", "why"),
    [
        ("code/versions.json", version("smaller/scores", code_version="0" * 16), "not that of its parts"),
        ("pack.json", in_json(lambda facts: facts["settings"].update({"training.steps": "400"})), "steps 4, and not"),
        ("curves.parquet", in_table("value", 0.001), "open_unmix/checkpoint is not what was recorded when it was made"),
        ("dataset/tracks.parquet", in_table("gain", 0.5), "tracks is not what was recorded when it was made"),
        (PATCH, in_text("+1", "+2"), "is not the patch that it is called after"),
        ("code/versions.json", version("open_unmix/checkpoint", edits="code/trainings/0.patch"), "is missing"),
        ("code/versions.json", version("results", read={"mixture/scores": "0"}), "made from another mixture/scores"),
    ],
)
def test_an_edit_of_what_was_recorded_is_found_where_it_no_longer_follows(
    pack: Path, tmp_path: Path, part: str, change: Change, why: str
) -> None:
    with opened_pack(edited(pack, tmp_path / "edited.zip", part, change)) as opened:
        said = next(one for one in checked(checks_of_the_code(Packed(opened))) if one.state == "failed")
    assert why in said.why


def test_a_product_that_was_made_before_a_file_was_moved_holds(pack: Path, tmp_path: Path) -> None:
    def moved(versions: dict) -> None:
        parts = versions["tracks"]["parts"]
        versions["tracks"]["parts"] = {name.replace("assets/making/", "assets/"): text for name, text in parts.items()}
        assert versions["tracks"]["parts"] != parts

    with opened_pack(edited(pack, tmp_path / "edited.zip", "code/versions.json", in_json(moved))) as opened:
        said = [one.state for one in checked(checks_of_the_code(Packed(opened)))]
    assert said == ["ok", "ok", "ok"]


def test_code_that_gives_other_versions_is_told_from_a_pack_that_does_not_hold(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = in_json(lambda facts: facts["changed"].update({"training.weight_decay": "0.1"}))
    file = edited(pack, tmp_path / "edited.zip", "pack.json", other)
    facts = json.loads(parts_of(pack)["pack.json"])
    for commit, state in ((facts["commit"], "failed"), ("0" * 40, "not checked")):
        git = {"mlflow.source.git.commit": commit}
        monkeypatch.setattr("pipelines.packing.code_checks.git_state", lambda git=git: git)
        with opened_pack(file) as opened:
            (*_, said) = checked(checks_of_the_code(Packed(opened)))
        assert said.state == state
        assert "training setting weight_decay changed" in said.why


def verified(pack: Path, dataset: Path, *, deep: bool = False) -> dict[str, str]:
    """The lines on the dataset: what was checked, and what came of it."""
    with opened_pack(pack) as opened, dataset_here(Packed(opened), dataset, silent) as here:
        return {one.what: f"{one.state}: {one.why}" for one in checked(checks_of_the_dataset(here, deep=deep))}


def test_with_the_dataset_scores_estimates_and_trainings_come_out_again(pack: Path, stem_dataset: Path) -> None:
    said = verified(pack, stem_dataset, deep=True)
    references = sum(one.chain == ("scores",) for one in REFERENCES.values())
    assert list(said.values()) == [
        "ok: 6 tracks, by the SHA-256 of their files",
        f"ok: {references} references on 2 tracks, within 0.0001 dB",
        "ok: 4 estimates, within 0.0001 dB",
        "ok: 4 estimates, bit for bit",
        "ok: 2 trainings, bit for bit",
    ]


def test_a_dataset_that_differs_is_told_track_by_track(pack: Path, stem_dataset: Path, tmp_path: Path) -> None:
    shutil.copytree(stem_dataset, tmp_path / "dataset")
    first, second, third = sorted((tmp_path / "dataset" / "train").iterdir())[:3]
    first.unlink()
    shutil.copyfile(third, second)
    shutil.copyfile(third, third.with_name("Artist 9 - Song 9.stem.mp4"))
    said = verified(pack, tmp_path / "dataset")["the dataset here is the same"]
    assert said.startswith("failed: ")
    assert "missing here: Artist 0 - Song 0" in said
    assert "only here: Artist 9 - Song 9" in said
    assert "with other content here: Artist 1 - Song 1" in said


@pytest.mark.parametrize(
    ("part", "row", "why"),
    [
        ("scores/mixture.parquet", "mixture", "from what needs no training"),
        ("scores/open_unmix.parquet", "open_unmix", "from the estimates"),
    ],
)
def test_scores_that_were_made_up_are_found_by_scoring_again_whatever_follows_from_them(
    pack: Path, stem_dataset: Path, tmp_path: Path, part: str, row: str, why: str
) -> None:
    def better(content: bytes) -> bytes:
        table = pd.read_parquet(io.BytesIO(content))
        into = io.BytesIO()
        table.assign(value=table.value + 0.5).to_parquet(into, index=False)
        return into.getvalue()

    said = verified(edited(pack, tmp_path / "edited.zip", part, better), stem_dataset)
    (failed,) = (f"{what}: {came}" for what, came in said.items() if came.startswith("failed"))
    assert why in failed
    assert f"the scores of {row}, seed" in failed


def test_a_model_of_another_configuration_is_refused_by_name(done: Done) -> None:
    from assets.making.estimates import make_estimates
    from sepmodels.errors import UserError

    other = replace(VARIANTS["transformer"], name="open_unmix")
    job = Job(done.profile, done.paths, other)
    with pytest.raises(UserError, match=r"open_unmix/seed_42/model\.safetensors"):
        make_estimates(job)


def test_another_way_to_sum_up_the_same_scores_is_new_data_for_the_report(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    shutil.copytree(done.paths.data, tmp_path / "data", ignore=shutil.ignore_patterns("mlflow"))
    job = Job(
        done.profile,
        Paths(tmp_path / "data", done.profile.name),
        systems=(VARIANTS["open_unmix"], REFERENCES["mixture"]),
    )
    before = make_table(job).content
    assert make_table(job).content == before
    monkeypatch.setattr("sepmodels.results.bootstrap.LEVEL", 0.5)
    assert make_table(job).content != before


def test_museval_files_that_we_write_are_read_back_as_given_scores(done: Done) -> None:
    ours = pd.read_parquet(done.paths.scores("open_unmix")).dropna(subset=["window"])  # the format has no others
    tracks = ours.track.unique().tolist()
    theirs, said = read_given_scores(done.paths.museval_files / "open_unmix", "theirs", tracks)
    assert said == []
    assert set(theirs.variant) == {"theirs"}
    same = ["track", "target", "metric", "window"]
    pd.testing.assert_frame_equal(
        *(one.sort_values(same, ignore_index=True)[[*same, "value"]] for one in (ours, theirs)),
        check_dtype=False,
        atol=1e-5,
    )


def test_what_separating_costs_is_measured_once_and_shown_while_model_and_machine_are_the_same(
    done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sepmodels.separation.cost.SONG_SECONDS", 2)
    monkeypatch.setattr("sepmodels.separation.cost.MOST_OF_OTHERS", 1.0)  # other tests run beside this one
    systems = {one.name: one for one in (VARIANTS["open_unmix"], ADDED, *REFERENCES.values())}
    about = (done.profile, done.paths)
    able = [one for one in systems.values() if can_be_measured(*about, one, systems)]
    assert [one.name for one in able] == ["open_unmix", "smaller"]
    for system in able:
        assert not is_measured(*about, system, systems)
        measure(*about, system, systems)
        assert is_measured(*about, system, systems)
    job = Job(*about, systems=tuple(systems.values()))
    make_table(job)
    table = pd.read_parquet(done.paths.results / "results.parquet").set_index(["target", "variant"]).loc["vocals"]
    assert table["real-time factor"].notna().tolist() == [False, True, True, False, False]
    assert table["billion multiply-adds"]["open_unmix"] > table["billion multiply-adds"]["smaller"] > 0
    make_report(job)
    page = (done.paths.report / "index.html").read_text(encoding="utf-8")
    assert '"cost/vocals/real-time factor"' in page
    monkeypatch.setattr("assets.making.cost.processor_name", lambda: "another processor")
    assert costs(*about, systems).empty
    shutil.rmtree(done.paths.costs)


def test_the_graph_trains_every_seed_by_as_many_processes_as_the_profile_says(done: Done) -> None:
    training = replace(done.profile.training, processes=2)
    profile = replace(done.profile, training=training, seeds=(1, 2))
    selection = dg.AssetSelection.assets(dg.AssetKey([profile.name, "open_unmix", "checkpoint"]))
    result = materialize(profile, done.paths.data, done.instance, ["open_unmix"], selection=selection)
    assert result.success
    figures = pd.read_parquet(done.paths.training_figures("open_unmix"))
    assert figures["seed"].tolist() == [1, 2]
    assert figures["steps"].tolist() == [4, 4]
    first, second = (load_model(done.paths.model("open_unmix", seed))[0] for seed in (1, 2))
    assert not torch.equal(first.fc1.weight, second.fc1.weight)
    client = open_store(done.paths.data / "mlflow")
    experiment = client.get_experiment_by_name(f"sepbench/{profile.name}")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    for seed in (1, 2):
        assert "loss" in runs[f"open_unmix, seed {seed}"].data.metrics
    assert not multiprocessing.active_children()
