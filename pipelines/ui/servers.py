"""Dagster's and MLflow's pages side by side: both start, both end."""

import fcntl
import functools
import signal
import sys
import threading
import webbrowser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console

from assets.paths import PROJECT, Paths, is_checkout
from assets.tracking.moving import artifact_uri
from assets.tracking.store import QUIET, store_uri
from assets.tracking.tracker import runs_page
from pipelines.graph.instance import use_instance
from pipelines.ports import address_of, free_port, is_of_this_machine_alone
from pipelines.running.aftermath import clear_up
from pipelines.running.processes import watched
from pipelines.temporary import use_short_folder
from pipelines.ui.supervisor import Running, Server
from sepmodels.errors import UserError
from sepmodels.settings import Profile

OPEN = (
    "Whoever reaches port {} or {} of this machine can start runs, and so run code here, and change or delete what was "
    "made: neither page asks who it is. Use this in a network that you trust, or leave --host out and come by `ssh -L`."
)
WORKSPACE = PROJECT / "workspace.yaml" if is_checkout() else None  # the installed package needs none


def open_pages(
    profile: Profile,
    paths: Paths,
    *,
    workspace: Path | None = WORKSPACE,
    host: str = "127.0.0.1",
    dagster_port: int = 3000,
    mlflow_port: int = 5000,
    open_browser: bool = False,
    console: Console | None = None,
) -> None:
    """Run both servers until Ctrl-C, SIGTERM or SIGHUP; ports that are taken give way to the next free ones.

    workspace: the file that says where Dagster finds the definitions; None for those of the installed package.

    Raises :class:`UserError` when they already run on this data folder, or when one of them ends by itself: it
    shows the end of that one's log, and the other has been ended too.
    """
    use_short_folder()
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
        if not is_of_this_machine_alone(host):
            console.print(f"[yellow]{OPEN.format(dagster_port, mlflow_port)}[/]", highlight=False, soft_wrap=True)
        console.print("Starting Dagster and MLflow ...")
        clear_up(paths)
        _share_out_slots(profile)
        running.start(dagster)
        say = functools.partial(console.print, highlight=False, soft_wrap=True)
        first_page = runs_page(paths.data / "mlflow", profile.name, say)  # two that make the store break it
        running.start(mlflow)
        if running.wait_until_ready():
            pages = ((dagster, dagster.url), (mlflow, mlflow.url + first_page))
            _show(console, profile, pages, logs)
            if open_browser:
                for _, page in pages:
                    webbrowser.open(page)
            running.wait_until_stopped()
        console.print("Ending Dagster and MLflow ...")


def _share_out_slots(profile: Profile) -> None:
    import dagster as dg

    from pipelines.graph.slots import give_slots

    with dg.DagsterInstance.get() as instance:
        give_slots(instance, profile)


def dagster_server(
    profile: Profile, data: Path, workspace: Path | None, host: str, port: int, mlflow_url: str
) -> Server:
    """Dagster's page, its code server and its daemon, with the history in ``data/dagster``."""
    url = address_of(host, port)
    home = use_instance(data)
    definitions = ["--workspace", str(workspace)] if workspace else ["--module-name", "pipelines.graph.definitions"]
    return Server(
        name="Dagster",
        purpose="the graph: materialize, watch, see what is stale",
        command=[
            *(sys.executable, "-m", "dagster", "dev"),
            *(*definitions, "--host", host, "--port", str(port)),
        ],
        environment={
            "DAGSTER_HOME": str(home),
            "SEPBENCH_DATA": str(data),
            "SEPBENCH_PROFILE": profile.name,
            "SEPBENCH_MLFLOW_URL": mlflow_url,  # where the links of the assets and of the report lead
            "SEPBENCH_DAGSTER_URL": url,
        },
        url=url,
        health=f"{url}/server_info",
        log=data / "logs" / "dagster.log",
        folder=home,  # in that of the person Dagster lets a file .env change what was asked for
    )


def mlflow_server(data: Path, host: str, port: int) -> Server:
    """MLflow's page, on the store in ``data/mlflow``."""
    folder = data / "mlflow"
    url = address_of(host, port)
    options = {
        "--backend-store-uri": store_uri(folder),
        "--default-artifact-root": artifact_uri(folder),
        "--host": host,
        "--port": str(port),
        "--workers": "1",
    }
    if not is_of_this_machine_alone(host):
        # by whatever name other machines know this one; without the second its page would stay empty there
        options |= {"--allowed-hosts": f"*:{port}", "--cors-allowed-origins": f"http://*:{port}"}
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
        folder=folder,
    )


def _show(console: Console, profile: Profile, pages: Iterable[tuple[Server, str]], logs: Path) -> None:
    console.print(f"\n[bold]sepbench[/], profile [bold]{profile.name}[/]\n")
    for server, page in pages:
        console.print(f"  [bold]{server.name:8}[/] {page}   {server.purpose}", highlight=False, soft_wrap=True)
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
