"""The tracks that a run reads, as MLflow's datasets."""

import json
from collections.abc import Iterable, Mapping

from assets.paths import Paths

CONTEXTS = {"train": "training", "valid": "validation", "test": "test"}
_CONTEXT = "mlflow.data.context"
_DIGEST_CHARACTERS = 36  # MLflow's limit


def note_datasets(client, run_id: str, paths: Paths, versions: Mapping[str, str]) -> None:
    """Log the stems of each split with the run that reads them.

    versions: the data version of the stems, by split, or by the name of another test set.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    found = [
        DatasetInput(
            Dataset(
                name=f"{paths.profile} {split}",
                digest=version[:_DIGEST_CHARACTERS],
                source_type="local",
                source=json.dumps({"uri": str(paths.stems(split))}),
                profile=json.dumps({"tracks": sum(1 for _ in paths.stems(split).glob("*.npy"))}),
            ),
            [InputTag(_CONTEXT, CONTEXTS.get(split, CONTEXTS["test"]))],
        )
        for split, version in versions.items()
    ]
    if found:
        client.log_inputs(run_id, found)


def copy_test_tracks(client, runs: Iterable, run_id: str) -> None:
    """Log with a run the test tracks that those runs read."""
    found = [
        one
        for run in runs
        for one in run.inputs.dataset_inputs
        if {tag.key: tag.value for tag in one.tags}.get(_CONTEXT) == CONTEXTS["test"]
    ]
    if found:
        client.log_inputs(run_id, found)
