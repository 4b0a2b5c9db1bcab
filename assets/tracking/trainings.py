"""The trainings in MLflow: what the test said of each, and a view that shows them alone, the best first."""

import json
import math
from collections.abc import Mapping

import pandas as pd

from assets.tracking.datasets import copy_test_tracks
from assets.tracking.seeds import seed_run
from sepmodels.audio import target_of

VIEW = "trainings"
MODE = "?workflowType=machine_learning"  # without it MLflow's pages open in their mode for language models
TEST_FIGURES = {
    "SDR": "test_SDR_db",
    "SDR_low": "test_SDR_low_db",
    "SDR_high": "test_SDR_high_db",
    "SIR": "test_SIR_db",
    "SAR": "test_SAR_db",
    "ISR": "test_ISR_db",
}
# MLflow shows them in the order of the alphabet: what sorts the rows is the first, and in sight on a small screen.
_COLUMNS = {
    "metrics": ("test_SDR_db", "test_SDR_low_db", "test_SDR_high_db"),
    "params": ("variant.architecture", "variant.loss", "variant.learning_rate", "training.steps", "seeds"),
}
# MLflow's own, for a view that is shared by its address; no call sets it.
_VIEW_TAG = f"mlflow.sharedViewState.{VIEW}"


def trainings_page(experiment_id: str) -> str:
    """The view's path, below the address of MLflow's pages."""
    return f"/#/experiments/{experiment_id}/runs{MODE}&viewStateShareKey={VIEW}"


def keep_view(client, experiment_id: str) -> None:
    """Let MLflow's page of the experiment know the view, under its name."""
    view = {
        "searchFilter": "tags.`dagster.asset_key` LIKE '%/checkpoint'",
        "orderByKey": "metrics.`test_SDR_db`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": [f"{kind}.`{name}`" for kind, names in _COLUMNS.items() for name in names],
    }
    client.set_experiment_tag(experiment_id, _VIEW_TAG, json.dumps(view))


def note_test_scores(
    client, experiment_id: str, profile: str, summary: pd.DataFrame, by_seed: pd.DataFrame, test_set: str = ""
) -> None:
    """Log the table's figures of the target, in dB, and the tracks they are of, with the run of each system's training.

    summary: the table, with the columns variant, target and those of ``TEST_FIGURES``.
    by_seed: the same of each seed, with the column seed and without intervals, for the runs of the seeds.
    test_set: the name of another test set, which the figures' names then begin with in place of "test".
    """
    target = target_of(summary.target)
    seeds = by_seed[by_seed.target == target]
    scores = f"scores/{test_set}" if test_set else "scores"
    for row in summary[summary.target == target].to_dict("records"):
        for run in _newest(client, experiment_id, f"{profile}/{row['variant']}/checkpoint"):
            _log(client, run.info.run_id, row, test_set)
            scored = _newest(client, experiment_id, f"{profile}/{row['variant']}/{scores}")
            copy_test_tracks(client, scored, run.info.run_id)
            for of_seed in seeds[seeds.variant == row["variant"]].to_dict("records"):
                if own := seed_run(client, run.info.run_id, of_seed["seed"]):
                    _log(client, own.info.run_id, of_seed, test_set)


def _newest(client, experiment_id: str, asset: str) -> list:
    """The newest run that made the asset, if there is one."""
    query = f"tags.`dagster.asset_key` = '{asset}' AND attributes.status = 'FINISHED'"
    return client.search_runs([experiment_id], query, max_results=1, order_by=["attributes.start_time DESC"])


def _log(client, run_id: str, row: Mapping, test_set: str) -> None:
    for column, name in TEST_FIGURES.items():
        if math.isfinite(row.get(column, math.nan)):
            client.log_metric(run_id, name.replace("test", test_set or "test", 1), float(row[column]))
