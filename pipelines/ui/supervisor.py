"""Servers that run together: all answer, or all are ended."""

import http.client
import os
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT, Popen

import psutil

from pipelines.running.processes import end_trees
from sepmodels.errors import UserError

START_SECONDS = 180
POLL_SECONDS = 0.3
LOG_LINES = 20


@dataclass(frozen=True)
class Server:
    """A server to run.

    health: a page below ``url`` that answers once the server is ready.
    folder: that it works in. Python looks for modules there first, so it is none of the person's.
    """

    name: str
    purpose: str
    command: list[str]
    environment: dict[str, str]
    url: str
    health: str
    log: Path
    folder: Path


class Running:
    """The servers that run; leaving the block ends them with all that they started.

    watch: is told the number of each process.
    """

    def __init__(self, stop: threading.Event, watch: Callable[[int], None]) -> None:
        self._stop = stop
        self._watch = watch
        self._servers: list[tuple[Server, Popen, psutil.Process]] = []

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_exception: object) -> None:
        end_trees([leader for _, _, leader in self._servers])
        for _, process, _ in self._servers:
            process.wait()

    def start(self, server: Server) -> Popen:
        with server.log.open("wb") as log:
            process = Popen(
                server.command,
                cwd=server.folder,
                env={**os.environ, **server.environment},
                stdout=log,
                stderr=STDOUT,
                start_new_session=True,  # so that Ctrl-C reaches it from here alone, and in order
            )
        self._watch(process.pid)
        self._servers.append((server, process, psutil.Process(process.pid)))
        return process

    def wait_until_ready(self) -> bool:
        """Whether all answer; False when they are to stop before that."""
        waiting = [server for server, _, _ in self._servers]
        for _ in range(int(START_SECONDS / POLL_SECONDS)):
            self._check_alive()
            waiting = [server for server in waiting if not _answers(server.health)]
            if not waiting:
                return True
            if self._stop.wait(POLL_SECONDS):
                return False
        raise UserError(f"{waiting[0].name} did not answer within {START_SECONDS} s.{_end_of_log(waiting[0])}")

    def wait_until_stopped(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            self._check_alive()

    def _check_alive(self) -> None:
        for server, process, _ in self._servers:
            if process.poll() is not None:
                raise UserError(
                    f"{server.name} ended by itself (exit code {process.returncode}), so all was ended."
                    f"{_end_of_log(server)}"
                )


def _end_of_log(server: Server) -> str:
    lines = server.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    return "\n".join([f" The end of its log, {server.log}:", *(f"  {line}" for line in lines)])


def _answers(url: str) -> bool:
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({})
    )  # a proxy does not know this machine's servers
    try:
        with direct.open(url, timeout=2) as answer:
            return answer.status == 200
    except (OSError, http.client.HTTPException):  # the latter from whatever else has the port
        return False
