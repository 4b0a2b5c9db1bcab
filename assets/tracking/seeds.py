"""Of a training with several seeds, each is a run of its own in MLflow, below the run of the training.

So all runs call a figure by the same name. The run of the training has what is the same for all, and the means.
"""

import re

from assets.tracking.naming import NOTE

PARENT = "mlflow.parentRunId"  # MLflow's own
SEED = "sepbench.seed"
_NAME = "mlflow.runName"
_OF_THE_TRAINING = ("dagster.asset_key", NOTE, _NAME, "dagster.earlier_run_ids")  # a seed is no asset
_OF_A_SEED = re.compile(r"seed_(\d+)/(.+)")


def seed_and_figure(name: str) -> tuple[int | None, str]:
    """The seed that a figure's name begins with, if it does, and the rest.

    >>> [seed_and_figure(name) for name in ("seed_42/loss", "loss")]
    [(42, 'loss'), (None, 'loss')]
    """
    found = _OF_A_SEED.fullmatch(name)
    return (int(found[1]), found[2]) if found else (None, name)


def seed_run(client, training: str, seed: int):
    """The run of a seed of that training; None where there is none."""
    experiment = client.get_run(training).info.experiment_id
    query = f"tags.`{PARENT}` = '{training}' AND tags.`{SEED}` = '{seed}'"
    return next(iter(client.search_runs([experiment], query, max_results=1)), None)


def begin_seed(client, training: str, seed: int):
    """The run of a seed, which is made, or goes on if it was broken off."""
    from mlflow.entities import RunTag

    parent = client.get_run(training)
    tags = {name: value for name, value in parent.data.tags.items() if name not in _OF_THE_TRAINING}
    tags |= {PARENT: training, SEED: str(seed)}
    run = seed_run(client, training, seed)
    if run is None:
        name = f"{parent.data.tags[_NAME].partition(':')[0]}, seed {seed}"
        return client.create_run(parent.info.experiment_id, tags=tags, run_name=name)
    if run.info.status != "FINISHED":
        client.update_run(run.info.run_id, status="RUNNING")
        client.log_batch(run.info.run_id, tags=[RunTag(name, value) for name, value in {**tags, NOTE: ""}.items()])
    return run
