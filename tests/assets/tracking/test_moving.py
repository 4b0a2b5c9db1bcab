"""A data folder that is moved, renamed or copied is whole where it is, and its original stays as it was."""

import os
import shutil
import subprocess
import sysconfig
import venv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking._tracking_service.utils import _artifact_repos_cache

from assets.tracking.moving import artifact_uri, follow_move
from assets.tracking.registry import register_model, registered_model_file, run_model_file
from assets.tracking.store import open_store, store_uri
from assets.tracking.tracker import experiment_of
from pipelines.options import use_options
from sepmodels.files import hash_file
from sepmodels.models.architectures import build_model
from sepmodels.models.model_file import load_model, save_model
from sepmodels.separation.separate import separate
from sepmodels.settings import SeparationSettings
from sepmodels.systems.variants import VARIANTS

NAME = "sepbench-demo-open_unmix"

# What the README says of loading a model, in a process of its own.
LOADS = """
import importlib.util, mlflow, numpy, os, sys
assert importlib.util.find_spec("sepmodels") is None
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/sepbench-demo-open_unmix/latest")
numpy.save("vocals.npy", model.predict(numpy.load("mixture.npy")))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder with an MLflow run that has a file and a registered model; and the run's id."""
    folder = tmp_path_factory.mktemp("made") / "my data #1"
    client = open_store(folder / "mlflow")
    run_id = client.create_run(experiment_of(client, folder / "mlflow", "demo", print)).info.run_id
    client.log_text(run_id, "first", "first.txt")
    variant = replace(VARIANTS["open_unmix"], settings={"hidden": 8, "layers": 1})
    save_model(folder / "model.safetensors", build_model(variant), variant)
    register_model(client, run_id, folder / "model.safetensors", NAME)
    return folder, run_id


@pytest.fixture
def data(made: tuple[Path, str], tmp_path: Path) -> Path:
    _artifact_repos_cache.clear()  # MLflow remembers a run's place as long as a process lives
    return Path(shutil.copytree(made[0], tmp_path / "original"))


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hash_file(path) for path in folder.rglob("*") if path.is_file()}


def test_a_copy_is_written_to_and_read_from_alone_and_its_original_stays(
    data: Path, made: tuple[Path, str], tmp_path: Path
) -> None:
    open_store(data / "mlflow")  # where it is now
    copy = Path(shutil.copytree(data, tmp_path / "copy"))
    before = files(data)
    _artifact_repos_cache.clear()
    client = open_store(copy / "mlflow")
    client.log_text(made[1], "second", "second.txt")
    new = client.create_run(experiment_of(client, copy / "mlflow", "demo", print)).info.run_id
    client.log_text(new, "third", "third.txt")
    version = register_model(client, new, copy / "model.safetensors", NAME)
    assert files(data) == before
    kept = [registered_model_file(copy / "mlflow", NAME, which) for which in ("1", str(version))]
    kept += [run_model_file(copy / "mlflow", which) for which in (made[1], new)]
    kept += [copy / "mlflow" / "artifacts" / which / "artifacts" / "second.txt" for which in (made[1],)]
    assert all(copy in file.parents and file.exists() for file in kept)


def test_a_moved_folder_has_its_runs_files_and_models_as_soon_as_any_command_has_looked(
    data: Path, made: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(data / "mlflow")
    moved = data.rename(tmp_path / "moved")
    monkeypatch.setenv("SEPBENCH_DATA", str(moved))
    use_options("demo")
    import mlflow

    client = mlflow.MlflowClient(store_uri(moved / "mlflow"))
    assert [file.path for file in client.list_artifacts(made[1])] == ["first.txt", "model"]
    assert Path(client.download_artifacts(made[1], "first.txt")).read_text() == "first"
    assert registered_model_file(moved / "mlflow", NAME).is_relative_to(moved)
    assert not data.exists()


def test_what_lies_elsewhere_by_intent_stays_there(data: Path, tmp_path: Path) -> None:
    client = open_store(data / "mlflow")
    elsewhere = (tmp_path / "elsewhere").as_uri()
    mine = client.create_experiment("mine", artifact_location=elsewhere)
    follow_move(data / "mlflow")
    assert client.get_experiment(mine).artifact_location == elsewhere
    assert client.get_experiment_by_name("sepbench/demo").artifact_location == artifact_uri(data / "mlflow")


def test_a_model_is_found_beside_a_store_that_may_not_be_written_to(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.tracking.store.follow_move", lambda folder: None)
    assert registered_model_file(data / "mlflow", NAME).is_relative_to(data)


@pytest.mark.slow
def test_a_registered_model_separates_where_this_project_is_not_installed(data: Path, tmp_path: Path) -> None:
    open_store(data / "mlflow")
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    site = sysconfig.get_path("purelib", vars={"base": str(tmp_path / "env")})
    # the libraries alone: .pth files in a folder that is named by one, such as this project's, are not read
    (Path(site) / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    mixture = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 44_100)).astype(np.float32)
    np.save(tmp_path / "mixture.npy", mixture)
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    command = [str(python), "-c", LOADS, store_uri(data / "mlflow")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    model, _ = load_model(data / "model.safetensors")
    np.testing.assert_array_equal(np.load(tmp_path / "vocals.npy"), separate(model, mixture, SeparationSettings()))
