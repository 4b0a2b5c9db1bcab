"""The front page, Dagster's and MLflow's pages behind one address: all start, all end."""

import functools
import signal
import sys
import threading
import webbrowser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from assets.paths import PROJECT, Paths, is_checkout
from assets.tracking.moving import artifact_uri
from assets.tracking.pages import ADDRESS_VARIABLE, DAGSTER, MLFLOW
from assets.tracking.store import QUIET, store_uri
from assets.tracking.tracker import runs_page
from pipelines.graph.instance import use_instance
from pipelines.ports import address_of, free_port, is_of_this_machine_alone
from pipelines.running.aftermath import clear_up
from pipelines.running.processes import watched
from pipelines.temporary import use_short_folder
from pipelines.ui.supervisor import Running, Server
from sepmodels.errors import UserError
from sepmodels.machine.folder_lock import FolderLock, Taken
from sepmodels.machine.identity import this_host
from sepmodels.settings import Profile

OPEN = (
    "Whoever reaches port {} of this machine can start runs, and so run code here, and change or delete what was "
    "made: no page asks who it is. Use this in a network that you trust, or leave --host out and come by `ssh -L`."
)
INNER_HOST = "127.0.0.1"  # of what is reached through the front page alone
WORKSPACE = PROJECT / "workspace.yaml" if is_checkout() else None  # the installed package needs none


def open_pages(
    profile: Profile,
    paths: Paths,
    *,
    workspace: Path | None = WORKSPACE,
    host: str = INNER_HOST,
    port: int = 3000,
    open_browser: bool = False,
    console: Console | None = None,
) -> None:
    """Run all three servers until Ctrl-C, SIGTERM or SIGHUP; a port that is taken gives way to the next free one.

    workspace: the file that says where Dagster finds the definitions; None for those of the installed package.
    host, port: of the front page. The other two listen on this machine alone, on whatever ports are free.

    Raises :class:`UserError` when they already run on this data folder, or when one of them ends by itself: it
    shows the end of that one's log, and the others have been ended too.
    """
    use_short_folder()
    console = console or Console()
    logs = paths.data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (
        _only_one(logs / "ui.held") as lock,
        _stop_signal() as stop,
        watched() as watch,
        Running(stop, watch) as running,
    ):
        port = free_port(host, port)
        inner_ports = [free_port(INNER_HOST, port + 1)]
        inner_ports.append(free_port(INNER_HOST, inner_ports[0] + 1))
        url = address_of(host, port)
        mlflow = mlflow_server(paths.data, inner_ports[1], url)
        dagster = dagster_server(profile, paths.data, workspace, inner_ports[0], url)
        front = front_server(profile, paths.data, host, port, *inner_ports)
        lock.rewrite(f"{url} on {this_host()}")
        if not is_of_this_machine_alone(host):
            console.print(f"[yellow]{OPEN.format(port)}[/]", highlight=False, soft_wrap=True)
        console.print("Starting the pages ...")
        clear_up(paths)
        _share_out_slots(profile)
        running.start(dagster)
        say = functools.partial(console.print, highlight=False, soft_wrap=True)
        first_page = runs_page(paths.data / "mlflow", profile.name, say)  # two that make the store break it
        running.start(mlflow)
        running.start(front)
        if running.wait_until_ready():
            pages = ((front, front.url), (dagster, dagster.url), (mlflow, mlflow.url + first_page))
            _show(console, profile, pages, logs)
            if open_browser:
                webbrowser.open(front.url)
            running.wait_until_stopped()
        console.print("Ending the pages ...")


def _share_out_slots(profile: Profile) -> None:
    import dagster as dg

    from pipelines.graph.slots import give_slots

    with dg.DagsterInstance.get() as instance:
        give_slots(instance, profile)


def front_server(profile: Profile, data: Path, host: str, port: int, dagster_port: int, mlflow_port: int) -> Server:
    """The front page, through which the other two are reached."""
    url = address_of(host, port)
    inner = [address_of(INNER_HOST, number) for number in (dagster_port, mlflow_port)]
    options = {"--host": host, "--port": str(port), "--dagster": inner[0], "--mlflow": inner[1]}
    return Server(
        name="Pages",
        purpose="what is stale, what runs, the table; and from there all the rest",
        command=[sys.executable, "-m", "pipelines.front.execute", *(word for one in options.items() for word in one)],
        environment={"DAGSTER_HOME": str(use_instance(data)), **_chosen(profile, data)},
        url=url,
        health=f"{url}/front/front.js",
        log=data / "logs" / "pages.log",
        folder=data / "logs",
    )


def _chosen(profile: Profile, data: Path) -> dict[str, str]:
    return {"SEPBENCH_DATA": str(data), "SEPBENCH_PROFILE": profile.name}


def dagster_server(profile: Profile, data: Path, workspace: Path | None, port: int, front: str) -> Server:
    """Dagster's page, its code server and its daemon, with the history in ``data/dagster``.

    front: the address of the front page.
    """
    home = use_instance(data)
    definitions = ["--workspace", str(workspace)] if workspace else ["--module-name", "pipelines.graph.definitions"]
    return Server(
        name="Dagster",
        purpose="the graph: materialize, watch, see what is stale",
        command=[
            *(sys.executable, "-m", "dagster", "dev"),
            *(*definitions, "--host", INNER_HOST, "--port", str(port)),
        ],
        environment={
            "DAGSTER_HOME": str(home),
            "DAGSTER_WEBSERVER_PATH_PREFIX": DAGSTER,
            ADDRESS_VARIABLE: front,  # where the links of the report lead
            **_chosen(profile, data),
        },
        url=front + DAGSTER,
        health=f"{address_of(INNER_HOST, port)}{DAGSTER}/server_info",
        log=data / "logs" / "dagster.log",
        folder=home,  # in that of the person Dagster lets a file .env change what was asked for
    )


def mlflow_server(data: Path, port: int, front: str) -> Server:
    """MLflow's page, on the store in ``data/mlflow``. front: the address of the front page."""
    folder = data / "mlflow"
    options = {
        "--default-artifact-root": artifact_uri(folder),
        "--host": INNER_HOST,
        "--port": str(port),
        "--static-prefix": MLFLOW,
        "--workers": "1",
    }
    command = [sys.executable, "-m", "mlflow", "server", "--no-serve-artifacts"]
    return Server(
        name="MLflow",
        purpose="the runs: curves, parameters, files, models",
        command=command + [word for option in options.items() for word in option],
        # with its job execution, the server takes five times the memory and twice the time to start
        environment={
            **QUIET,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_BACKEND_STORE_URI": store_uri(folder),  # not an option: every user sees those, and a password in it
        },
        url=front + MLFLOW,
        health=f"{address_of(INNER_HOST, port)}{MLFLOW}/health",
        log=data / "logs" / "mlflow.log",
        folder=folder,
    )


def _show(console: Console, profile: Profile, pages: Iterable[tuple[Server, str]], logs: Path) -> None:
    console.print(f"\n[bold]sepbench[/], profile [bold]{profile.name}[/]\n")
    for server, page in pages:
        console.print(f"  [bold]{server.name:8}[/] {page}   {server.purpose}", highlight=False, soft_wrap=True)
    console.print(f"\nCtrl-C ends them. Their logs are in {logs}.\n", highlight=False, soft_wrap=True)


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
def _only_one(place: Path) -> Iterator[FolderLock]:
    """Hold the lock that says that the servers run; it holds their addresses. Dagster allows one per history."""
    lock = FolderLock(place)
    try:
        lock.acquire(wait=False)
    except Taken as addresses:
        raise UserError(f"The pages of this data folder are already open: {addresses}.") from None
    with lock:
        yield lock
