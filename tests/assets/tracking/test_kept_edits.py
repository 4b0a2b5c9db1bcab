"""The edits of the code that made a training are found again in MLflow."""

from pathlib import Path

import pytest

from assets.tracking.edits import PATCH
from assets.tracking.kept_edits import kept_edits
from assets.tracking.store import open_store
from sepmodels.report.how_made import Origin

PATCH_TEXT = "Edits of the code since commit abc.\n\ndiff --git a/sepmodels/x.py b/sepmodels/x.py\n+1\n"


def origin(asset: str, run: str, *, edited: bool = True) -> Origin:
    page = f"http://127.0.0.1:5000/#/experiments/1/runs/{run}"
    return Origin(asset, made="", seconds=0.0, mlflow_url=page, dagster_url="", commit="abc", edited=edited)


def test_only_patches_that_are_there_and_can_be_applied_are_found(tmp_path: Path) -> None:
    client = open_store(tmp_path)
    experiment = client.create_experiment("sepbench/demo", artifact_location=(tmp_path / "artifacts").as_uri())
    texts = {"edited": PATCH_TEXT, "too_much": "They are more than 1,000,000 bytes, and were not kept.\n", "none": None}
    runs = {}
    for name, text in texts.items():
        runs[name] = client.create_run(experiment).info.run_id
        if text:
            client.log_text(runs[name], text, PATCH)
    asked = [origin(f"{name}/checkpoint", run) for name, run in runs.items()]
    asked += [origin("gone/checkpoint", "0" * 32), origin("plain/checkpoint", runs["edited"], edited=False)]
    assert kept_edits(asked, tmp_path) == {"edited/checkpoint": PATCH_TEXT}


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:5000/"])
def test_a_product_without_an_mlflow_run_has_none(tmp_path: Path, url: str) -> None:
    one = Origin("x", made="", seconds=0.0, mlflow_url=url, dagster_url="", commit="abc", edited=True)
    assert kept_edits([one], tmp_path) == {}
