"""Whoever starts Dagster by its own command learns where its history is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.graph.instance import history_hint
from tests.conftest import PROJECT


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return tmp_path / "data"


def test_nothing_is_said_where_the_environment_names_the_data_folders_history(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(data / "dagster"))
    assert history_hint(data) is None


def test_in_the_checkout_what_dagster_says_of_a_temporary_directory_is_put_right(data: Path) -> None:
    (data.parent / "dagster.yaml").touch()
    assert str(history_hint(data)).startswith(f"Dagster's history is kept in {data / 'dagster'}, not in a temporary")


def test_from_another_folder_or_with_another_home_it_is_said_that_the_history_is_another(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = f"This Dagster does not know what has been made in {data}"
    assert str(history_hint(data)).startswith(expected)
    monkeypatch.setenv("DAGSTER_HOME", str(data / "elsewhere"))
    assert str(history_hint(data)).startswith(expected)


@pytest.mark.slow
def test_dagsters_own_command_shows_it_as_it_loads_the_graph(data: Path) -> None:
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-m", "pipelines.graph.definitions"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "SEPBENCH_DATA": str(data),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"This Dagster does not know what has been made in {data}" in done.stderr
    assert "Open the pages by `sepbench ui`" in done.stderr
