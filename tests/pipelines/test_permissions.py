"""Another person's data folder can be looked at; whoever would write there is told before anything is made."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assets.paths import Paths
from assets.tracking.registry import register_model
from assets.tracking.store import open_store
from assets.tracking.tracker import experiment_of
from pipelines.graph.selection import standing
from pipelines.permissions import require_writable
from sepmodels.errors import UserError
from tests.conftest import PROJECT
from tests.small_benchmark import materialize, small_profile

OTHER = 65_534  # "nobody"
# root may write anywhere: without these rights it is bound by permissions as others are
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner,-chown", "--inh-caps=-all"]
IS_ROOT = os.geteuid() == 0

pytestmark = pytest.mark.skipif(IS_ROOT and not shutil.which("setpriv"), reason="root needs setpriv to give up rights")


@pytest.fixture
def theirs():
    """A function that makes a folder another person's, to be read alone; the folders are given back at the end."""
    given = []

    def give(folder: Path) -> Path:
        given.append(folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(path.stat().st_mode & ~0o222)
            if IS_ROOT:
                os.chown(path, OTHER, OTHER)
        return folder

    yield give
    for folder in given:
        for path in (folder, *folder.rglob("*")):
            path.chmod(path.stat().st_mode | 0o700)


def python(code: str, *words: object) -> subprocess.CompletedProcess:
    """Run code, with these words for it, as a user who is bound by permissions."""
    command = [*BOUND * IS_ROOT, sys.executable, "-c", code, *map(str, words)]
    environment = {**os.environ, "COLUMNS": "300"}
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)


def sepbench(*words: object) -> subprocess.CompletedProcess:
    return python("from pipelines.cli import main; main()", *words)


def files(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*"))


PLACES = ("", "dagster", "mlflow/mlflow.db", "demo/stems", "demo/begun/tracks", "locks/demo.lock")


@pytest.mark.parametrize(("command", "place"), [*(("run", place) for place in PLACES), ("ui", "dagster")])
def test_a_command_that_writes_names_the_place_that_it_may_not_write_to(
    tmp_path: Path, theirs, command: str, place: str
) -> None:
    data = tmp_path / "data"
    (data / place).parent.mkdir(parents=True, exist_ok=True)
    (data / place).touch() if "." in place or "begun/" in place else (data / place).mkdir(exist_ok=True)
    theirs(data / place)
    done = sepbench(command, "-p", "demo", "--data", data)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
    assert f"{data / place} cannot be written to" in done.stderr
    assert "name a data folder of your own with --data" in done.stderr


def test_a_data_folder_that_cannot_be_made_is_told_by_the_folder_that_it_would_be_in(tmp_path: Path, theirs) -> None:
    (tmp_path / "outer").mkdir()
    theirs(tmp_path / "outer")
    done = sepbench("run", "-p", "demo", "--data", tmp_path / "outer" / "data")
    assert f"{tmp_path / 'outer'} cannot be written to" in done.stderr


def test_what_one_may_write_to_is_taken(tmp_path: Path) -> None:
    require_writable(Paths(tmp_path / "new" / "data", "demo"))


@pytest.mark.slow
def test_what_is_stale_in_another_persons_folder_is_seen_without_a_byte_written(
    stem_dataset: Path, tmp_path: Path, theirs, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dagster as dg

    from pipelines.graph.instance import use_instance

    data = tmp_path / "data"
    profile = small_profile(stem_dataset)
    monkeypatch.setenv("DAGSTER_HOME", str(use_instance(data)))
    with dg.DagsterInstance.get() as instance:
        materialize(profile, data, instance, [], selection=[dg.AssetKey([profile.name, "dataset"])])
    theirs(data)
    before = files(data)
    done = sepbench("stale", "-p", profile.name, "--dataset", stem_dataset, "--data", data)
    assert done.returncode == 1, done.stderr  # something is not fresh
    assert "never made" in done.stdout
    assert files(data) == before


def test_before_anything_was_made_all_is_stale_and_looking_makes_nothing(tmp_path: Path) -> None:
    from pipelines.profiles import PROFILES

    found = standing(PROFILES["demo"], Paths(tmp_path / "data", "demo"))
    assert {one.state for _, one in found} == {"never"}
    assert not (tmp_path / "data").exists()


def test_a_history_that_may_not_even_be_read_is_named(tmp_path: Path, theirs) -> None:
    (tmp_path / "data" / "dagster" / "history").mkdir(parents=True)
    theirs(tmp_path / "data")
    (tmp_path / "data" / "dagster" / "history").chmod(0)
    done = sepbench("stale", "-p", "demo", "--data", tmp_path / "data")
    assert done.returncode == 2, done.stderr
    assert f"{tmp_path / 'data' / 'dagster'} cannot be read" in done.stderr


@pytest.mark.slow
def test_a_registered_model_is_found_in_a_store_that_may_not_be_written_to(tmp_path: Path, theirs) -> None:
    client = open_store(tmp_path / "mlflow")
    run_id = client.create_run(experiment_of(client, tmp_path / "mlflow", "demo", print)).info.run_id
    (tmp_path / "model.safetensors").write_bytes(b"a model")
    register_model(client, run_id, tmp_path / "model.safetensors", "mine")
    theirs(tmp_path / "mlflow")
    before = files(tmp_path / "mlflow")
    code = "import sys; from pathlib import Path; from assets.tracking.registry import registered_model_file as found; "
    done = python(f"{code} print(found(Path(sys.argv[1]), 'mine'))", tmp_path / "mlflow")
    assert Path(done.stdout.strip()).read_bytes() == b"a model", done.stderr
    assert files(tmp_path / "mlflow") == before


def test_the_user_who_may_not_write_is_told_whose_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.permissions._may_write", lambda place: False)
    monkeypatch.setattr("pipelines.permissions.os.geteuid", lambda: 4321)
    with pytest.raises(UserError, match=rf"{tmp_path} cannot be written to \(it belongs to {tmp_path.owner()}\)"):
        require_writable(Paths(tmp_path, "demo"))
