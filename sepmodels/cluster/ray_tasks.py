"""Workers as processes below tasks of Ray, which end with the head that submitted them."""

import logging
import secrets
import signal
import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sepmodels.cluster.engine import Away, State, variables
from sepmodels.cluster.outputs import output_name
from sepmodels.cluster.part import Needs
from sepmodels.cluster.settings import RaySettings
from sepmodels.errors import UserError

SAVE_SECONDS = 60.0  # for a worker whose task is cancelled
ANSWER_SECONDS = 10.0


class Ray:
    """The engine of that name; one connection for each process of the head."""

    name = "ray"
    follows = True
    _tasks: dict[str, Any] = {}  # noqa: RUF012 # of this process, by job

    def __init__(self, settings: RaySettings) -> None:
        try:
            with _own_signals():
                import ray
        except ImportError:
            raise UserError("The executor ray needs the package ray: pip install 'sepbench[ray]'.") from None
        self._ray = ray
        if ray.is_initialized():
            return
        try:
            _knock(settings.address)
            with _own_signals():
                ray.init(address=settings.address, logging_level=logging.ERROR, log_to_driver=False)
            self._tasks.clear()  # of a connection that there was before
        except (OSError, RuntimeError, ValueError) as error:
            raise UserError(
                f"No Ray is reached at {settings.address} ({_first_line(error)}): start one by `ray start --head`, or "
                "name its head as ray.address in cluster.toml. Where Ray asks for a token, set RAY_AUTH_MODE=token."
            ) from None

    def submit(self, words: Sequence[str], outputs: Path, needs: Needs, command: Sequence[str]) -> list[str]:
        task = self._ray.remote(_task()).options(
            num_cpus=needs.processors,
            num_gpus=needs.gpus,
            memory=round(needs.memory_gb * 1e9) or None,
            max_retries=0,  # what was lost is begun again by the head, which counts it
            name="sepbench",
        )
        given = variables(needs)
        jobs = []
        for word in words:
            jobs.append(job := secrets.token_hex(8))  # Ray's own numbers come again when it is started anew
            output = str(outputs / output_name(self.name, job))
            self._tasks[job] = task.remote([*command, word], given, output, SAVE_SECONDS)
        return jobs

    def states(self, jobs: Collection[str]) -> Mapping[str, tuple[State, str]]:
        """Those of another head have ended with it."""
        references = {self._tasks[job]: job for job in jobs if job in self._tasks}
        if not references:
            return {}
        try:
            _, going_on = self._ray.wait(list(references), num_returns=len(references), timeout=0)
        except self._ray.exceptions.RayError as error:
            raise Away(_first_line(error)) from None
        return {references[one]: ("waiting", "") for one in going_on}  # which of them run, their own words tell

    def cancel(self, jobs: Collection[str], *, at_once: bool = False) -> None:
        for job in jobs:
            if job in self._tasks:
                self._ray.cancel(self._tasks[job], force=at_once)


def _task() -> Any:
    """The function of a task. Ray takes it along by value, so that its nodes need not find this module."""

    def work(command: list[str], given: dict[str, str], output: str, save_seconds: float) -> int:
        import os
        import pathlib
        import signal
        import subprocess
        import time

        # Ray cancels by this handler, which is not there where Ray was started in the background of a script.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with pathlib.Path(output).open("ab") as file:
            child = subprocess.Popen(
                command, env={**os.environ, **given}, stdout=file, stderr=file, start_new_session=True
            )
        try:
            while child.poll() is None:  # Ray cancels between two steps of Python's, not while it waits for a process
                time.sleep(0.2)
            return child.returncode
        except BaseException:  # cancelled
            child.terminate()
            try:
                child.wait(save_seconds)
            except subprocess.TimeoutExpired:
                child.kill()
            raise

    return work


def _knock(address: str) -> None:
    """Raise OSError where nobody listens at HOST:PORT: Ray itself goes on trying for minutes."""
    host, _, port = address.rpartition(":")
    if host:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the handlers of signals, in place of which Ray puts its own."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
