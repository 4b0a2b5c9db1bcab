"""A cluster of Ray for tests: two nodes on this machine, each with a pretended GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.ports import any_ports


@contextmanager
def ray_cluster() -> Iterator[Any]:
    """``ray.cluster_utils.Cluster`` within the block; the test is skipped where Ray is not installed."""
    pytest.importorskip("ray", reason="needs Ray (pip install 'sepbench[ray]')")
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        for _ in range(2):
            add_node(cluster)
        yield cluster
    finally:
        cluster.shutdown()


def add_node(cluster: Any) -> Any:
    """Another node: without a port of its own for its dashboard's agent, the second one does not start."""
    (port,) = any_ports(1)
    return cluster.add_node(num_cpus=2, num_gpus=1, object_store_memory=100 * 2**20, dashboard_agent_listen_port=port)
