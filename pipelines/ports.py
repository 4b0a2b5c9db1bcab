"""Ports to listen on, and the addresses of what listens there."""

import errno
import ipaddress
import os
import socket

from sepmodels.errors import UserError


def free_port(host: str, wanted: int, but_not: int | None = None) -> int:
    """``wanted``, or the next port above it that nothing listens on.

    Raises :class:`UserError` when there is none, or ``host`` is not an address of this machine.
    """
    for port in range(wanted, min(wanted + 100, 65_536)):
        if port == but_not:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise UserError(f"Cannot listen on {host}: {error.strerror}. Use 127.0.0.1 or 0.0.0.0.") from error
                continue
            return port
    raise UserError(f"No port from {wanted} to {wanted + 99} is free on {host}: name another one.")


def address_of(host: str, port: int) -> str:
    """What a browser is told; of a server that listens everywhere, by this machine's name."""
    return f"http://{socket.gethostname() if host in ('0.0.0.0', '::') else host}:{port}"


def is_of_this_machine_alone(host: str) -> bool:
    """Whether only programs of this machine reach what listens there.

    >>> [is_of_this_machine_alone(host) for host in ("127.0.0.1", "localhost", "127.0.0.2", "0.0.0.0", "10.1.2.3")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def pass_by_proxies() -> None:
    """Let this process and its children reach this machine's own servers without a proxy, where one is set."""
    if not any(name.lower().endswith("_proxy") and text for name, text in os.environ.items()):
        return
    for name in ("no_proxy", "NO_PROXY"):
        before = os.environ.get(name) or os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
        known = [entry.strip() for entry in before.split(",") if entry.strip()]
        if "*" not in known:
            os.environ[name] = ",".join(dict.fromkeys([*known, "localhost", "127.0.0.1", "::1", socket.gethostname()]))
