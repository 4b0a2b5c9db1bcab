"""Ports for servers of tests, which run beside each other in several processes."""

import itertools
import os

from pipelines.ports import free_port

# Below those that systems give to whoever asks for any; each process begins at a place of its own.
FIRST, STEP, PLACES = 20_000, 10, 1_200
_places = itertools.count(os.getpid() * 37)


def own_port(host: str = "127.0.0.1") -> int:
    """A free port that no other test asks for meanwhile."""
    return free_port(host, FIRST + STEP * (next(_places) % PLACES))
