"""Dagster's and MLflow's pages side by side: both start, both end."""

import errno
import fcntl
import os
import signal
import socket
import sys
import threading
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT, Popen
from typing import IO

import psutil
from rich.console import Console

from assets.paths import PROJECT, Paths
from assets.tracking import QUIET, artifact_uri, open_store, store_uri
from pipelines.aftermath import clear_up
from pipelines.instance import use_instance
from pipelines.processes import end_trees, watched
from sepmodels.errors import UserError
from sepmodels.settings import Profile

START_SECONDS = 180
POLL_SECONDS = 0.3
LOG_LINES = 20


@dataclass(frozen=True)
class Server:
    """A server to run.

    health: a page below ``url`` that answers once the server is ready.
    """

    name: str
    purpose: str
    command: list[str]
    environment: dict[str, str]
    url: str
    health: str
    log: Path


def serve(
    profile: Profile,
    paths: Paths,
    *,
    workspace: Path = PROJECT / "workspace.yaml",
    host: str = "127.0.0.1",
    dagster_port: int = 3000,
    mlflow_port: int = 5000,
    open_browser: bool = False,
    console: Console | None = None,
) -> None:
    """Run both servers until Ctrl-C, SIGTERM or SIGHUP; ports that are taken give way to the next free ones.

    Raises :class:`UserError` when they already run on this data folder, or when one of them ends by itself: it
    shows the end of that one's log, and the other has been ended too.
    """
    console = console or Console()
    logs = paths.data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (
        _only_one(logs / "ui.lock") as lock,
        _stop_signal() as stop,
        watched() as watch,
        Running(stop, watch) as running,
    ):
        dagster_port = free_port(host, dagster_port)
        mlflow_port = free_port(host, mlflow_port, but_not=dagster_port)
        mlflow = mlflow_server(paths.data, host, mlflow_port)
        dagster = dagster_server(profile, paths.data, workspace, host, dagster_port, mlflow.url)
        lock.write(f"{dagster.url} and {mlflow.url}")
        lock.flush()
        console.print("Starting Dagster and MLflow ...")
        clear_up(paths)
        _share_out_slots(profile)
        running.start(dagster)
        open_store(paths.data / "mlflow")  # here, because two processes that make it at once break it
        running.start(mlflow)
        if running.wait_until_ready():
            _show(console, profile, (dagster, mlflow), logs)
            if open_browser:
                for server in (dagster, mlflow):
                    webbrowser.open(server.url)
            running.wait_until_stopped()
        console.print("Ending Dagster and MLflow ...")


def _share_out_slots(profile: Profile) -> None:
    import dagster as dg

    from pipelines.side_by_side import give_slots

    with dg.DagsterInstance.get() as instance:
        give_slots(instance, profile)


def dagster_server(profile: Profile, data: Path, workspace: Path, host: str, port: int, mlflow_url: str) -> Server:
    """Dagster's page, its code server and its daemon, with the history in ``data/dagster``."""
    url = _url(host, port)
    return Server(
        name="Dagster",
        purpose="the graph: materialize, watch, see what is stale",
        command=[
            *(sys.executable, "-m", "dagster", "dev"),
            *("--workspace", str(workspace), "--host", host, "--port", str(port)),
        ],
        environment={
            "DAGSTER_HOME": str(use_instance(data)),
            "SEPBENCH_DATA": str(data),
            "SEPBENCH_PROFILE": profile.name,
            "SEPBENCH_MLFLOW_URL": mlflow_url,  # where the links of the assets and of the report lead
            "SEPBENCH_DAGSTER_URL": url,
        },
        url=url,
        health=f"{url}/server_info",
        log=data / "logs" / "dagster.log",
    )


def mlflow_server(data: Path, host: str, port: int) -> Server:
    """MLflow's page, on the store in ``data/mlflow``."""
    folder = data / "mlflow"
    url = _url(host, port)
    options = {
        "--backend-store-uri": store_uri(folder),
        "--default-artifact-root": artifact_uri(folder),
        "--host": host,
        "--port": str(port),
        "--workers": "1",
    }
    if url != f"http://127.0.0.1:{port}":
        options["--allowed-hosts"] = ",".join(("localhost:*", "127.0.0.1:*", f"{socket.gethostname()}:*", f"{host}:*"))
    command = [sys.executable, "-m", "mlflow", "server", "--no-serve-artifacts"]
    return Server(
        name="MLflow",
        purpose="the runs: curves, parameters, files, models",
        command=command + [word for option in options.items() for word in option],
        # with its job execution, the server takes five times the memory and twice the time to start
        environment={**QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        url=url,
        health=f"{url}/health",
        log=data / "logs" / "mlflow.log",
    )


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
                cwd=PROJECT,
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
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _url(host: str, port: int) -> str:
    return f"http://{socket.gethostname() if host in ('0.0.0.0', '::') else host}:{port}"


def _show(console: Console, profile: Profile, servers: tuple[Server, ...], logs: Path) -> None:
    console.print(f"\n[bold]sepbench[/], profile [bold]{profile.name}[/]\n")
    for server in servers:
        console.print(f"  [bold]{server.name:8}[/] {server.url}   {server.purpose}", highlight=False, soft_wrap=True)
    console.print(f"\nCtrl-C ends both. Their logs are in {logs}.\n", highlight=False, soft_wrap=True)


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """An event that Ctrl-C and friends set; a second one while the servers end is let through."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}

    def on_signal(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in numbers:
        signal.signal(number, on_signal)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _only_one(path: Path) -> Iterator[IO[str]]:
    """Hold the lock that says that the servers run; it holds their addresses. Dagster allows one per history."""
    with path.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise UserError(f"The pages of this data folder are already open: {lock.read()}.") from error
        lock.truncate(0)
        yield lock
        lock.truncate(0)
