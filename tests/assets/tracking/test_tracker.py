"""One truthful MLflow run for every materialization."""

import functools
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from assets.tracking.provenance import git_state
from assets.tracking.registry import model_name, registered_model_file
from assets.tracking.run import PARAMETER_CHARACTERS, flatten
from assets.tracking.store import open_store, store_uri
from assets.tracking.tracker import Tracker, asset_metadata
from sepmodels.errors import UserError
from sepmodels.systems.variants import VARIANTS

VALIDATION_SDR_DB = (4.5, 3.25)  # of the two versions of a model, the older one first


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory) -> Path:
    """A store made once: MLflow's migrations take seconds."""
    folder = tmp_path_factory.mktemp("store")
    open_store(folder)
    return folder


@pytest.fixture
def store(empty_store, tmp_path) -> Path:
    return Path(shutil.copytree(empty_store, tmp_path / "mlflow"))


@pytest.fixture(scope="module")
def empty_history(tmp_path_factory) -> Path:
    """Dagster's history, made once likewise."""
    home = tmp_path_factory.mktemp("dagster")
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        dg.materialize([dg.asset(lambda: None, name="first")], instance=instance)
    return home


@pytest.fixture
def instance(empty_history, tmp_path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(shutil.copytree(empty_history, tmp_path / "dagster"))) as instance:
        yield instance


def nothing(_run) -> None:
    pass


def an_asset(
    body=nothing, name="checkpoint", code_version="version-1", run_name=None, **options
) -> dg.AssetsDefinition:
    """An asset whose body is called with its MLflow run."""

    @dg.asset(key=["demo", "open_unmix", name], code_version=code_version)
    def materialized(context: dg.AssetExecutionContext, tracker: Tracker) -> dg.MaterializeResult:
        with tracker.run(context, name=run_name, **options) as run:
            body(run)
        return dg.MaterializeResult(metadata=asset_metadata(run))

    return materialized


def materialize(store: Path, instance: dg.DagsterInstance, *assets, raise_on_error=False):
    tracker = Tracker(folder=str(store), ui_url="http://127.0.0.1:5999")
    return dg.materialize(assets, instance=instance, resources={"tracker": tracker}, raise_on_error=raise_on_error)


def runs_of(store: Path) -> list:
    """Every MLflow run, oldest first."""
    client = open_store(store)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return client.search_runs(experiments, order_by=["attributes.start_time ASC"])


def history(store: Path, run, name: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in open_store(store).get_metric_history(run.info.run_id, name)]


def test_a_materialization_is_one_finished_run_that_names_its_asset_its_dagster_run_and_its_code(store, instance):
    result = materialize(store, instance, an_asset(tags={"variant": "open_unmix", "seed": 42}))
    (run,) = runs_of(store)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "open_unmix/checkpoint"
    assert run.data.tags["dagster.run_id"] == result.run_id
    assert run.data.tags["dagster.asset_key"] == "demo/open_unmix/checkpoint"
    assert run.data.tags["sepbench.code_version"] == "version-1"
    assert run.data.tags["variant"] == "open_unmix"
    assert run.data.tags["seed"] == "42"
    experiment = open_store(store).get_experiment(run.info.experiment_id)
    assert experiment.name == "sepbench/demo"
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_a_run_has_the_name_that_it_is_given_and_its_note_says_why_it_was_made_also_after_a_failure(store, instance):
    def fail(_run):
        raise UserError("a fault.")

    options = {"run_name": "open_unmix: layers 4, was 3", "why": ["variant setting layers changed from 3 to 4"]}
    for body in (nothing, fail):
        materialize(store, instance, an_asset(body, **options))
    whole, failed = runs_of(store)
    assert {run.info.run_name for run in (whole, failed)} == {"open_unmix: layers 4, was 3"}
    why = "Made because:\n\n- variant setting layers changed from 3 to 4"
    assert whole.data.tags["mlflow.note.content"] == why
    assert failed.data.tags["mlflow.note.content"] == f"UserError: a fault.\n\n{why}"


def test_the_assets_metadata_link_to_the_run_in_mlflows_mode_for_model_training(store, instance):
    result = materialize(store, instance, an_asset())
    (run,) = runs_of(store)
    (event,) = result.get_asset_materialization_events()
    link = event.materialization.metadata["mlflow_run"]
    assert link == dg.MetadataValue.url(
        f"http://127.0.0.1:5999/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
        "?workflowType=machine_learning"
    )


def test_the_link_leads_to_the_server_that_the_environment_names(store, instance, monkeypatch):
    monkeypatch.setenv("SEPBENCH_MLFLOW_URL", "http://127.0.0.1:5017/")
    urls = []
    tracker = Tracker(folder=str(store))
    dg.materialize([an_asset(lambda run: urls.append(run.url))], instance=instance, resources={"tracker": tracker})
    assert urls[0].startswith("http://127.0.0.1:5017/#/experiments/")


def test_the_link_leads_to_mlflow_beside_dagster_at_whatever_address_both_are(store, instance):
    urls = []
    tracker = Tracker(folder=str(store))
    dg.materialize([an_asset(lambda run: urls.append(run.url))], instance=instance, resources={"tracker": tracker})
    assert urls[0].startswith("/mlflow/#/experiments/")


def test_two_assets_of_one_dagster_run_are_two_runs_in_one_experiment(store, instance):
    assets = [an_asset(name=name) for name in ("checkpoint", "estimates")]
    materialize(store, instance, *assets)
    first, second = runs_of(store)
    assert {first.info.run_name, second.info.run_name} == {"open_unmix/checkpoint", "open_unmix/estimates"}
    assert first.info.experiment_id == second.info.experiment_id
    assert first.data.tags["dagster.run_id"] == second.data.tags["dagster.run_id"]


def test_an_exception_ends_the_run_as_failed_and_its_message_is_the_note(store, instance):
    def fail(_run):
        raise UserError("track.stem.mp4 is cut short: copy it again.")

    result = materialize(store, instance, an_asset(fail))
    (run,) = runs_of(store)
    assert not result.success
    assert run.info.status == "FAILED"
    assert run.data.tags["mlflow.note.content"] == "UserError: track.stem.mp4 is cut short: copy it again."


@pytest.mark.parametrize("interrupt", [dg.DagsterExecutionInterruptedError, KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_the_run_as_killed_and_what_was_logged_is_kept(store, instance, interrupt):
    def be_interrupted(run):
        run.log({"loss": 0.5}, 1)
        raise interrupt

    with pytest.raises(BaseException):  # noqa: B017, PT011 - Dagster turns some of them into its own
        materialize(store, instance, an_asset(be_interrupted), raise_on_error=True)
    (run,) = runs_of(store)
    assert run.info.status == "KILLED"
    assert history(store, run, "loss") == [(1, 0.5)]


@pytest.mark.parametrize("moment", ["create_run", "set_terminated"])
def test_an_interrupt_while_a_run_is_made_or_ended_leaves_none_running(store, instance, monkeypatch, moment):
    from mlflow import MlflowClient

    as_it_is = getattr(MlflowClient, moment)

    def interrupted(client, *arguments, **options):
        made = as_it_is(client, *arguments, **options) if moment == "create_run" else None
        signal.raise_signal(signal.SIGINT)
        return made or as_it_is(client, *arguments, **options)

    monkeypatch.setattr(MlflowClient, moment, interrupted)
    with pytest.raises(BaseException):  # noqa: B017, PT011 - Dagster turns some of them into its own
        materialize(store, instance, an_asset(), raise_on_error=True)
    assert [run.info.status for run in runs_of(store)] == ["KILLED" if moment == "create_run" else "FINISHED"]


def test_figures_keep_their_steps_and_their_order(store, instance):
    def log(run):
        for step in range(2500):
            run.log({"loss": 1 / (step + 1), "learning_rate": 1e-3}, step)

    materialize(store, instance, an_asset(log))
    (run,) = runs_of(store)
    assert history(store, run, "loss") == [(step, 1 / (step + 1)) for step in range(2500)]
    assert run.data.metrics["learning_rate"] == 1e-3


def test_a_figure_that_is_not_a_number_is_kept_as_such(store, instance):
    materialize(store, instance, an_asset(lambda run: run.log({"loss": math.nan, "best": np.float32(1.5)}, 0)))
    (run,) = runs_of(store)
    assert math.isnan(history(store, run, "loss")[0][1])
    assert run.data.metrics["best"] == 1.5


def test_use_of_the_machine_is_logged_even_for_a_short_run_and_its_thread_ends_with_it(store, instance):
    import threading

    materialize(store, instance, an_asset())
    (run,) = runs_of(store)
    assert "system/cpu_utilization_percentage" in run.data.metrics
    assert "system/system_memory_usage_megabytes" in run.data.metrics
    assert not [thread for thread in threading.enumerate() if thread.name == "SystemMetricsMonitor"]


def test_parameters_are_flattened_whole_configurations_and_texts_of_any_length(store, instance):
    parameters = {"variant": VARIANTS["dual_loss"], "none": None, "long": "x" * 20_000, "empty": ""}
    parameters |= {f"n{i}": i for i in range(250)}
    materialize(store, instance, an_asset(parameters=parameters))
    (run,) = runs_of(store)
    assert run.data.params["variant.loss_settings.magnitude_weight"] == "0.9"
    assert run.data.params["none"] == "None"
    assert run.data.params["n249"] == "249"
    assert len(run.data.params["long"]) == PARAMETER_CHARACTERS
    assert "20000 characters" in run.data.params["long"]


def test_two_long_parameters_that_differ_at_their_ends_stay_different():
    first, second = (flatten({"value": "x" * 10_000 + end})["value"] for end in "ab")
    assert first != second


def test_files_folders_and_figures_are_kept_with_the_run(store, instance, tmp_path):
    import plotly.graph_objects as go

    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "results.csv").write_text("variant,SDR\n")
    (tmp_path / "scores.parquet").write_bytes(b"scores")

    def keep(run):
        run.artifact(tmp_path / "scores.parquet")
        run.artifact(tmp_path / "tables")
        run.figure("loss", go.Figure(go.Scatter(y=[3, 2, 1])))

    materialize(store, instance, an_asset(keep))
    (run,) = runs_of(store)
    client = open_store(store)
    assert {entry.path for entry in client.list_artifacts(run.info.run_id)} == {"scores.parquet", "tables", "loss.html"}
    assert [entry.path for entry in client.list_artifacts(run.info.run_id, "tables")] == ["tables/results.csv"]
    folder = store / "artifacts" / run.info.run_id / "artifacts"
    assert (folder / "scores.parquet").read_bytes() == b"scores"
    assert not re.search(r"<script[^>]+src=", (folder / "loss.html").read_text()[:100_000])


def interrupted_after(steps: range):
    def train(run):
        for step in steps:
            run.log({"loss": float(step)}, step)
        raise KeyboardInterrupt

    return train


def interrupted_attempt(store, instance, **options) -> None:
    with pytest.raises(BaseException):  # noqa: B017, PT011
        materialize(store, instance, an_asset(interrupted_after(range(3)), **options), raise_on_error=True)


def test_a_resumed_training_goes_on_in_the_run_that_was_broken_off(store, instance):
    interrupted_attempt(store, instance, resume=True, parameters={"batch": 4, "device": "cuda"})
    rest = an_asset(
        lambda run: [run.log({"loss": float(step)}, step) for step in range(3, 6)],
        resume=True,
        parameters={"batch": 4, "device": "cpu"},
    )
    result = materialize(store, instance, rest)
    (run,) = runs_of(store)
    assert run.info.status == "FINISHED"
    assert history(store, run, "loss") == [(step, float(step)) for step in range(6)]
    assert run.data.tags["dagster.run_id"] == result.run_id
    assert len(run.data.tags["dagster.earlier_run_ids"].split()) == 1
    assert run.data.tags["mlflow.note.content"] == ""
    assert run.data.params == {"batch": "4", "device": "cuda"}
    assert run.data.tags["resumed.device"] == "cpu"


def test_a_point_of_a_curve_that_was_logged_before_is_not_logged_again(store, instance):
    interrupted_attempt(store, instance, resume=True)
    rest = an_asset(lambda run: [run.log({"loss": float(step), "new": 0.0}, step) for step in range(1, 5)], resume=True)
    materialize(store, instance, rest)
    (run,) = runs_of(store)
    assert history(store, run, "loss") == [(step, float(step)) for step in range(5)]
    assert [step for step, _ in history(store, run, "new")] == [1, 2, 3, 4]


def seeds_of(store: Path) -> list[tuple[str, str, list[int]]]:
    """Name, status and steps of the loss of each seed's run, in the order of their names."""
    children = [run for run in runs_of(store) if "mlflow.parentRunId" in run.data.tags]
    return sorted(
        (run.info.run_name, run.info.status, [step for step, _ in history(store, run, "loss")]) for run in children
    )


def test_of_several_seeds_each_is_a_run_of_its_own_that_goes_on_after_an_interrupt(store, instance):
    def train(run, until: int | None = None):
        for seed in (1, 2):
            for step in range(1, 4):
                if (seed, step) == (2, until):
                    raise KeyboardInterrupt
                run.log_by_seed({f"seed_{seed}/loss": 1.0 / step}, step)

    options = {"resume": True, "run_name": "open_unmix: first training"}
    with pytest.raises(BaseException):  # noqa: B017, PT011
        materialize(store, instance, an_asset(functools.partial(train, until=3), **options), raise_on_error=True)
    first, second = "open_unmix, seed 1", "open_unmix, seed 2"
    assert seeds_of(store) == [(first, "FINISHED", [1, 2, 3]), (second, "KILLED", [1, 2])]
    materialize(store, instance, an_asset(train, **options))
    assert seeds_of(store) == [(first, "FINISHED", [1, 2, 3]), (second, "FINISHED", [1, 2, 3])]
    (training,) = [run for run in runs_of(store) if "mlflow.parentRunId" not in run.data.tags]
    assert (training.info.status, "loss" in training.data.metrics) == ("FINISHED", False)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"resume": True}, {"resume": False}),
        ({"resume": True, "code_version": "version-1"}, {"resume": True, "code_version": "version-2"}),
        (
            {"resume": True, "tags": {"sepbench.reads.stems": "1"}},
            {"resume": True, "tags": {"sepbench.reads.stems": "2"}},
        ),
        ({"resume": True, "name": "checkpoint"}, {"resume": True, "name": "estimates"}),
    ],
    ids=["not asked to resume", "other code", "other data", "other asset"],
)
def test_a_new_run_is_opened_where_nothing_is_resumed(store, instance, before, now):
    interrupted_attempt(store, instance, **before)
    materialize(store, instance, an_asset(**now))
    assert [run.info.status for run in runs_of(store)] == ["KILLED", "FINISHED"]


def test_a_finished_run_is_never_resumed(store, instance):
    for _ in range(2):
        materialize(store, instance, an_asset(resume=True))
    assert [run.info.status for run in runs_of(store)] == ["FINISHED", "FINISHED"]


KILLED_WITHOUT_A_WORD = """
import os, signal, sys
import dagster as dg
from assets.tracking.tracker import Tracker

@dg.asset(key=["demo", "open_unmix", "checkpoint"], code_version="version-1")
def checkpoint(context: dg.AssetExecutionContext, tracker: Tracker):
    with tracker.run(context):
        os.kill(os.getpid(), signal.SIGKILL)

instance = dg.DagsterInstance.from_config(sys.argv[1])
dg.materialize([checkpoint], instance=instance, resources={"tracker": Tracker(folder=sys.argv[2])})
"""


@pytest.fixture(scope="module")
def killed_once(empty_store, empty_history, tmp_path_factory) -> tuple[Path, Path]:
    """Dagster's and MLflow's stores after a kill -9 in the middle of a run."""
    folder = tmp_path_factory.mktemp("killed")
    home, store = shutil.copytree(empty_history, folder / "dagster"), shutil.copytree(empty_store, folder / "mlflow")
    (folder / "killed.py").write_text(KILLED_WITHOUT_A_WORD)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, str(folder / "killed.py"), str(home), str(store)]
    assert subprocess.run(command, env=environment, capture_output=True).returncode == -signal.SIGKILL
    (run,) = runs_of(store)
    assert run.info.status == "RUNNING"
    return home, store


@pytest.fixture
def killed(killed_once, tmp_path) -> Iterator[tuple[Path, dg.DagsterInstance]]:
    home, store = (Path(shutil.copytree(folder, tmp_path / folder.name)) for folder in killed_once)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield store, instance


def test_a_run_left_open_by_kill_9_is_closed_as_killed_when_any_asset_starts(killed):
    store, instance = killed
    materialize(store, instance, an_asset(name="estimates"))
    first, second = runs_of(store)
    assert first.info.status == "KILLED"
    assert "killed" in first.data.tags["mlflow.note.content"]
    assert second.info.status == "FINISHED"


def test_a_training_resumes_after_kill_9_in_the_same_run(killed):
    store, instance = killed
    materialize(store, instance, an_asset(lambda run: run.log({"loss": 1.0}, 0), resume=True))
    (run,) = runs_of(store)
    assert run.info.status == "FINISHED"


def test_a_run_of_a_living_process_is_left_alone(store, instance):
    statuses = []

    def start_another(_run):
        materialize(store, instance, an_asset(name="inner"))
        statuses.extend(run.info.status for run in runs_of(store))

    materialize(store, instance, an_asset(start_another))
    assert statuses == ["RUNNING", "FINISHED"]
    assert [run.info.status for run in runs_of(store)] == ["FINISHED", "FINISHED"]


def test_the_commit_is_named_in_a_checkout_and_nothing_is_said_elsewhere(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("assets.tracking.provenance.PROJECT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "pyproject.toml").write_text('name = "sepbench"\n')
    assert git_state() == {}
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    (tmp_path / "file").write_text("one")
    for command in (["init", "-q"], ["add", "file"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    state = git_state()
    assert re.fullmatch(r"[0-9a-f]{40}", state["mlflow.source.git.commit"])
    assert state["git.dirty"] == "false"
    (tmp_path / "file").write_text("two")
    assert git_state()["git.dirty"] == "true"
    assert capfd.readouterr() == ("", "")


def test_a_damaged_store_is_named_at_once(tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(UserError, match=r"mlflow\.db cannot be read .* move .* away"):
        open_store(tmp_path)


def test_nothing_of_mlflow_is_global_after_a_run(store, instance, monkeypatch):
    import mlflow

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = mlflow.get_tracking_uri()
    materialize(store, instance, an_asset())
    assert mlflow.active_run() is None
    assert mlflow.get_tracking_uri() == before
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert before != store_uri(store)


def test_definitions_with_a_tracker_load_without_mlflow():
    code = "import sys, assets.tracking.tracker, assets.tracking.registry; "
    code += "sys.exit('mlflow' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3]).returncode == 0


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> tuple[Path, Path]:
    """Two small models of the same kind."""
    from sepmodels.models.architectures import build_model
    from sepmodels.models.model_file import save_model

    variant = replace(VARIANTS["open_unmix"], settings={"hidden": 8, "layers": 1})
    files = tuple(tmp_path_factory.mktemp("models") / f"{name}.safetensors" for name in ("first", "second"))
    for file in files:
        save_model(file, build_model(variant), variant)
    return files


@pytest.fixture(scope="module")
def registered(empty_store, empty_history, models, tmp_path_factory) -> Path:
    """A store with two versions of a model."""
    folder = tmp_path_factory.mktemp("registered")
    home, store = shutil.copytree(empty_history, folder / "dagster"), shutil.copytree(empty_store, folder / "mlflow")
    name = model_name("demo", "open_unmix")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for file, sdr_db in zip(models, VALIDATION_SDR_DB, strict=True):
            body = functools.partial(register, file=file, name=name, sdr_db=sdr_db)
            materialize(store, instance, an_asset(body))
    return store


def register(run, file: Path, name: str, sdr_db: float = 1.0) -> None:
    run.register(file, name, "Open-Unmix, trained on demo.", sdr_db)


def test_the_alias_best_leads_to_the_version_that_validation_tracks_say_is_best(registered):
    client = open_store(registered)
    name = model_name("demo", "open_unmix")
    assert client.get_registered_model(name).description == "Open-Unmix, trained on demo."
    versions = sorted(client.search_model_versions(f"name = '{name}'"), key=lambda one: int(one.version))
    assert [one.description for one in versions] == [
        f"SDR of the validation tracks: {sdr_db:.2f} dB." for sdr_db in VALIDATION_SDR_DB
    ]
    best = client.get_model_version_by_alias(name, "best")
    assert best.version == versions[int(np.argmax(VALIDATION_SDR_DB))].version


def test_a_registered_model_is_loaded_back_by_name_and_separates(registered, models, monkeypatch):
    import mlflow

    from sepmodels.models.model_file import load_model
    from sepmodels.separation.separate import separate
    from sepmodels.settings import SeparationSettings

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_uri(registered))
    loaded = mlflow.pyfunc.load_model("models:/sepbench-demo-open_unmix/latest")
    mixture = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 44_100)).astype(np.float32)
    newest, _ = load_model(models[-1])
    np.testing.assert_array_equal(loaded.predict(mixture), separate(newest, mixture, SeparationSettings()))


def test_the_registry_holds_no_pickle_and_links_the_model_to_its_run(registered):
    client = open_store(registered)
    versions = client.search_model_versions("name = 'sepbench-demo-open_unmix'")
    assert {version.run_id for version in versions} == {run.info.run_id for run in runs_of(registered)}
    kept = {path.suffix for path in (registered / "artifacts").rglob("*") if path.is_file()}
    assert ".safetensors" in kept
    assert not kept & {".pkl", ".pickle"}


def test_the_newest_registered_file_is_found_by_name(registered, models):
    found = registered_model_file(registered, "sepbench-demo-open_unmix")
    assert found.read_bytes() == models[-1].read_bytes()


def test_an_unknown_registered_model_is_named_with_the_nearest(registered):
    with pytest.raises(UserError, match=r"demo-open_unmx.*did you mean 'sepbench-demo-open_unmix'"):
        registered_model_file(registered, "sepbench-demo-open_unmx")


def test_an_experiment_that_was_deleted_in_mlflow_is_restored_with_its_runs_and_that_is_said(store, instance):
    materialize(store, instance, an_asset())
    client = open_store(store)
    experiment = client.get_experiment_by_name("sepbench/demo").experiment_id
    client.delete_experiment(experiment)
    result = materialize(store, instance, an_asset())
    assert result.success
    assert [run.info.status for run in client.search_runs([experiment])] == ["FINISHED", "FINISHED"]
    said = [record.event_log_entry.user_message for record in instance.get_records_for_run(result.run_id).records]
    assert any("sepbench/demo had been deleted in MLflow: it is restored" in sentence for sentence in said)


def lose_the_store(store: Path) -> None:
    (store / "mlflow.db").write_bytes(b"no database" * 100_000)


def delete_the_run(store: Path) -> None:
    client = open_store(store)
    (run,) = runs_of(store)
    client.delete_run(run.info.run_id)


def lose_the_files(store: Path) -> None:
    shutil.rmtree(store / "artifacts", ignore_errors=True)
    (store / "artifacts").write_text("in the way")


@pytest.mark.parametrize("lose", [lose_the_store, delete_the_run, lose_the_files])
def test_a_training_whose_store_is_lost_before_its_end_is_kept_and_the_loss_is_said(
    store, instance, models, tmp_path, lose
):
    import plotly.graph_objects as go

    def body(run) -> None:
        run.log({"loss": 1.0}, 1)
        lose(store)
        (tmp_path / "product.txt").write_text("made")
        run.log({"loss": 0.5}, 2)
        run.artifact(tmp_path / "product.txt")
        run.figure("loss", go.Figure())
        register(run, models[0], "sepbench-demo-open_unmix")

    result = materialize(store, instance, an_asset(body))
    assert result.success
    assert len(result.get_asset_materialization_events()) == 1
    said = [record.event_log_entry.user_message for record in instance.get_records_for_run(result.run_id).records]
    assert any("MLflow did not take" in sentence and "what was made is kept" in sentence for sentence in said)


def test_a_model_is_packed_beside_the_store_where_the_systems_own_temporary_folder_has_no_room(
    store, instance, models, monkeypatch
):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", "/dev/null/no-room")
    assert materialize(store, instance, an_asset(lambda run: register(run, models[0], "a-model"))).success
    assert registered_model_file(store, "a-model").is_relative_to(store)
    assert list(store.glob(".tmp-*")) == []
