"""The pages start together, are at one address, and end together."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

import psutil
import pytest

from assets.tracking.store import open_store
from pipelines.ports import free_port, pass_by_proxies
from pipelines.profiles import PROFILES
from pipelines.ui.servers import dagster_server
from pipelines.ui.supervisor import Running, Server
from sepmodels.errors import UserError
from tests.ports import own_port

PROJECT = Path(__file__).parents[3]

LAUNCHER = """
import sys
from pathlib import Path
from assets.paths import Paths
from pipelines.profiles import PROFILES
from pipelines.ui.servers import open_pages
from sepmodels.errors import UserError

data, workspace, port = sys.argv[1:]
try:
    open_pages(PROFILES["demo"], Paths(Path(data), "demo"), workspace=Path(workspace), port=int(port))
except UserError as fault:
    sys.exit(f"sepbench: {fault}")
"""

DEFINITIONS = """
import os
import time
import dagster as dg
from assets.tracking.tracker import Tracker

@dg.asset
def environment():
    return dg.MaterializeResult(metadata={"pages": os.environ["SEPBENCH_URL"]})

@dg.asset(key=["demo", "open_unmix", "checkpoint"])
def checkpoint(context: dg.AssetExecutionContext, tracker: Tracker):
    with tracker.run(context):
        time.sleep(3600)

defs = dg.Definitions(
    assets=[environment, checkpoint],
    jobs=[dg.define_asset_job(name, [asset]) for name, asset in {"look": environment, "train": checkpoint}.items()],
    resources={"tracker": Tracker(folder=os.environ["SEPBENCH_DATA"] + "/mlflow")},
    executor=dg.in_process_executor,
)
"""


class Launched:
    """The launcher in a process of its own, as a terminal would start it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.data = folder / "data"
        self.output = folder / "output.txt"
        (folder / "definitions.py").write_text(DEFINITIONS)
        (folder / "workspace.yaml").write_text("load_from:\n  - python_file: definitions.py\n")
        command = [sys.executable, "-c", LAUNCHER, self.data, folder / "workspace.yaml", port]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    def text(self) -> str:
        return self.output.read_text()

    def wait_for(self, words: str) -> None:
        while words not in self.text():
            assert self.process.poll() is None, self.text()
            time.sleep(0.1)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: int) -> int:
        """Signal the launcher, wait for it, and make sure that none of its family is left."""
        family = self.family()
        self.process.send_signal(number)
        status = self.process.wait()
        assert family
        assert [process for process in family if is_alive(process)] == []
        return status


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def connections_of(process: psutil.Process) -> list:
    try:
        return process.net_connections("inet")
    except psutil.NoSuchProcess:  # ended meanwhile, as a run's does
        return []


@pytest.fixture(scope="module")
def servers(tmp_path_factory) -> Iterator[Launched]:
    """The servers, while the port that was asked for is taken."""
    wanted = own_port()
    with socket.create_server(("127.0.0.1", wanted)) as taken:
        launched = Launched(tmp_path_factory.mktemp("servers"), taken.getsockname()[1])
        launched.taken = taken.getsockname()[1]
        try:
            launched.wait_for("Ctrl-C ends them")
            yield launched
        finally:
            if launched.process.poll() is None:
                launched.end(signal.SIGINT)


def addresses(launched: Launched) -> dict[str, str]:
    """What the launcher printed: address by server."""
    rows = (line.split() for line in launched.text().splitlines())
    return {row[0]: row[1].partition("/#")[0] for row in rows if len(row) > 1 and row[1].startswith("http://")}


def read(url: str | urllib.request.Request) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


@pytest.mark.slow
def test_all_pages_answer_at_the_addresses_that_were_printed(servers):
    assert "dagster_webserver_version" in read(addresses(servers)["Dagster"] + "/server_info")
    assert "<title>MLflow" in read(addresses(servers)["MLflow"] + "/")
    assert "<title>sepbench: demo" in read(addresses(servers)["Pages"])


@pytest.mark.slow
def test_a_taken_port_gives_way_to_the_next_free_one_and_one_port_reaches_all_pages(servers):
    (port,) = {urlparse(url).port for url in addresses(servers).values()}
    assert servers.taken < port < servers.taken + 100


def launch(launched: Launched, job: str) -> str:
    """Start a job as a click in Dagster's page would; gives the run's id."""
    from dagster_graphql import DagsterGraphQLClient

    return DagsterGraphQLClient(addresses(launched)["Dagster"].removeprefix("http://")).submit_job_execution(job)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Dagster's client calls what its own library deprecates
def test_a_run_in_dagster_knows_the_address_of_the_pages_and_lies_in_the_data_folder(servers):
    import dagster as dg

    run_id = launch(servers, "look")
    with dg.DagsterInstance.from_config(str(servers.data / "dagster")) as instance:
        while not (run := instance.get_run_by_id(run_id)).is_finished:
            time.sleep(0.2)
        assert run.is_success
        event = instance.get_latest_materialization_event(dg.AssetKey("environment"))
    assert event.asset_materialization.metadata["pages"].value == addresses(servers)["Pages"]


@pytest.mark.slow
def test_mlflows_page_shows_the_runs_and_files_of_the_data_folder(servers, tmp_path):
    store = servers.data / "mlflow"
    client = open_store(store)
    experiment = client.create_experiment("sepbench/test", artifact_location=(store / "artifacts").as_uri())
    run = client.create_run(experiment).info
    (tmp_path / "table.csv").write_text("variant,SDR")
    client.log_artifact(run.run_id, str(tmp_path / "table.csv"))
    address = addresses(servers)["MLflow"]
    assert "sepbench/test" in read(f"{address}/api/2.0/mlflow/experiments/get?experiment_id={experiment}")
    assert read(f"{address}/get-artifact?path=table.csv&run_uuid={run.run_id}") == "variant,SDR"


@pytest.mark.slow
def test_the_servers_listen_on_this_machine_alone(servers):
    listening = {c.laddr for p in servers.family() for c in connections_of(p) if c.status == "LISTEN"}
    assert urlparse(addresses(servers)["Pages"]).port in {address.port for address in listening}
    assert {address.ip for address in listening} == {"127.0.0.1"}


@pytest.mark.slow
def test_a_second_start_on_the_same_data_folder_is_refused_with_the_address_of_the_first(servers, tmp_path):
    command = [sys.executable, "-c", LAUNCHER, str(servers.data), str(tmp_path / "workspace.yaml"), "3000"]
    refused = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(PROJECT)}, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "already open" in refused.stderr
    assert addresses(servers)["Pages"] in refused.stderr


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_ctrl_c_ends_all_and_a_training_that_goes_on_leaves_no_open_run(servers):
    import dagster as dg

    run_id = launch(servers, "train")
    client = open_store(servers.data / "mlflow")
    while (experiment := client.get_experiment_by_name("sepbench/demo")) is None:
        time.sleep(0.2)
    while not (runs := client.search_runs([experiment.experiment_id])):
        time.sleep(0.2)
    assert servers.end(signal.SIGINT) == 0
    for url in addresses(servers).values():
        with pytest.raises(OSError, match="refused"):
            read(url)
    assert client.get_run(runs[0].info.run_id).info.status == "KILLED"
    with dg.DagsterInstance.from_config(str(servers.data / "dagster")) as instance:
        assert instance.get_run_by_id(run_id).is_finished


def test_an_env_file_in_the_checkout_does_not_change_what_the_pages_show(tmp_path, monkeypatch):
    """Dagster reads such a file in the folder that it is started in, over what it was told."""
    from dagster._cli.utils import _inject_local_env_file

    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / ".env").write_text("SEPBENCH_PROFILE=musdb18")
    monkeypatch.chdir(tmp_path / "checkout")
    server = dagster_server(PROFILES["demo"], tmp_path / "data", tmp_path / "workspace.yaml", 3000, "")
    monkeypatch.setenv("SEPBENCH_PROFILE", server.environment["SEPBENCH_PROFILE"])
    monkeypatch.chdir(server.folder)
    with _inject_local_env_file(logging.getLogger()):
        assert os.environ["SEPBENCH_PROFILE"] == "demo"


def test_servers_of_this_machine_are_reached_without_the_proxy(tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://203.0.113.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    port = own_port()
    code = f"from http.server import *; HTTPServer(('127.0.0.1', {port}), SimpleHTTPRequestHandler).serve_forever()"
    server = replace(small_server(tmp_path, "plain", code), health=f"http://127.0.0.1:{port}/")
    with Running(threading.Event(), [].append) as running:
        running.start(server)
        assert running.wait_until_ready()


@pytest.mark.parametrize(("before", "after"), [("", "localhost,127.0.0.1,::1"), (".org", ".org,localhost"), ("*", "*")])
def test_children_are_told_to_pass_by_the_proxy_for_this_machine(monkeypatch, before, after):
    monkeypatch.setenv("https_proxy", "http://203.0.113.1:9")
    monkeypatch.setenv("no_proxy", before)
    monkeypatch.setenv("NO_PROXY", before)
    pass_by_proxies()
    assert os.environ["no_proxy"].startswith(after)
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"]


def small_server(folder: Path, name: str, code: str) -> Server:
    return Server(
        name=name,
        purpose="a test",
        command=[sys.executable, "-c", code],
        environment={},
        url="http://127.0.0.1:9",
        health="http://127.0.0.1:9/",
        log=folder / f"{name}.log",
        folder=folder,
    )


def test_when_one_server_dies_the_end_of_its_log_is_shown_and_the_other_is_ended(tmp_path):
    stays = small_server(tmp_path, "stays", "import time; time.sleep(3600)")
    dies = small_server(tmp_path, "dies", "import sys; sys.exit('the address is in use')")
    with Running(threading.Event(), [].append) as running:
        other = running.start(stays)
        running.start(dies)
        with pytest.raises(UserError, match=r"dies ended by itself \(exit code 1\)(.|\n)*the address is in use"):
            running.wait_until_ready()
    assert other.returncode is not None


def test_what_a_server_started_is_ended_with_it_even_if_it_ignores_the_interrupt(tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.running.processes.PATIENCE_SECONDS", 0.5)
    stubborn = "import signal, time; signal.signal(2, signal.SIG_IGN); print('ready', flush=True); time.sleep(3600)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {stubborn!r}])"
    server = small_server(tmp_path, "parent", parent)
    with Running(threading.Event(), [].append) as running:
        process = running.start(server)
        while "ready" not in server.log.read_text():
            time.sleep(0.05)
        family = psutil.Process(process.pid).children(recursive=True)
    assert family
    assert [member for member in family if is_alive(member)] == []


def test_the_wanted_port_is_taken_when_it_is_free():
    free = own_port()
    assert free_port("127.0.0.1", free) == free
    assert free_port("127.0.0.1", free, but_not=free) != free
    with socket.create_server(("127.0.0.1", free)):
        assert free_port("127.0.0.1", free) > free


def test_a_host_that_is_not_of_this_machine_is_named():
    with pytest.raises(UserError, match=r"Cannot listen on 203\.0\.113\.1"):
        free_port("203.0.113.1", 3000)
