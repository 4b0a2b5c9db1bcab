"""Ports for servers of tests, which run beside each other in several processes."""

import itertools
import os
import socket

from pipelines.ports import free_port

# Below those that systems give to whoever asks for any; each process begins at a place of its own.
FIRST, STEP, PLACES = 20_000, 10, 1_200
_places = itertools.count(os.getpid() * 37)


def own_port(host: str = "127.0.0.1") -> int:
    """A free port that no other test asks for meanwhile."""
    return free_port(host, FIRST + STEP * (next(_places) % PLACES))


def any_ports(count: int) -> list[int]:
    """So many different ones that the system gives to whoever asks for any."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
