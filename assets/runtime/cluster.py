"""Where the parts of a data folder's products are made: what its ``cluster.toml`` says, or the command."""

import os
from pathlib import Path

from sepmodels.cluster.settings import FILE, ClusterSettings, read_cluster

EXECUTOR_VARIABLE = "SEPBENCH_EXECUTOR"  # of a command, in place of the file's


def cluster_settings(data: Path) -> ClusterSettings:
    """The settings in force. Raises UserError for a file, or an executor, that cannot be."""
    return read_cluster(data / FILE, os.environ.get(EXECUTOR_VARIABLE, "").strip())


def is_cluster_used(data: Path) -> bool:
    """Whether parts are made elsewhere than in the steps themselves."""
    return cluster_settings(data).executor != "local"
