"""What Dagster's own pages say is stale is what the project says; the jobs ``refresh`` and ``accept`` mend it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from tests.ports import own_port
from tests.stand_ins import copy_code, edit_function

pytestmark = pytest.mark.slow

# The real graph of two variants, with products that are stand-ins.
STAND_IN = """
import dagster as dg

import assets.factory
from assets.paths import Paths, data_folder
from assets.staleness.products import products
from assets.resources import benchmark_resources
from pipelines.graph.jobs import benchmark_jobs
from pipelines.profiles import PROFILES
from sepmodels.systems.references import REFERENCES
from sepmodels.systems.variants import VARIANTS

def make(step, job, *_others):
    for product in products(step, job.profile, job.paths):
        product.mkdir(parents=True, exist_ok=True)
    return dg.MaterializeResult(data_version=dg.DataVersion("as ever"))


assets.factory._make = make
paths = Paths(data_folder(), "demo")
chosen = [VARIANTS[name] for name in ("open_unmix", "transformer")]
defs = dg.Definitions(
    assets=assets.factory.benchmark_assets(PROFILES["demo"], paths, [*chosen, REFERENCES["mixture"]]),
    jobs=benchmark_jobs(),
    resources=benchmark_resources(paths.data / "mlflow"),
)
"""
# Runs start at once, without the daemon that takes them from a queue.
INSTANCE = """
telemetry: {enabled: false}
nux: {enabled: false}
run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}
"""
STALE = "{ assetNodes { assetKey { path } staleStatus staleCauses { reason } } }"
RELOAD = 'mutation { reloadRepositoryLocation(repositoryLocationName: "stand_in") { __typename } }'
LAUNCH = """mutation { launchRun(executionParams: {mode: "default", selector: {
    repositoryLocationName: "stand_in", repositoryName: "__repository__", jobName: "refresh"}})
    { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
ACCEPT = """mutation { launchRun(executionParams: {mode: "default", selector: {
    repositoryLocationName: "stand_in", repositoryName: "__repository__", jobName: "accept",
    assetSelection: [{path: ["demo", "transformer", "checkpoint"]}]},
    runConfigData: {resources: {acceptance: {config: {because: "the same, said otherwise", check: "never"}}}}})
    { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = '{ runOrError(runId: "%s") { ... on Run { status } } }'


@pytest.fixture
def project(tmp_path):
    copy_code(tmp_path)
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dagster.yaml").write_text(INSTANCE)
    return tmp_path


@contextmanager
def webserver(project):
    """Dagster's webserver over the project; gives a function that asks it in GraphQL."""
    port = own_port()
    environment = {**os.environ, "PYTHONPATH": str(project), "DAGSTER_HOME": str(project / "home")}
    environment["SEPBENCH_DATA"] = str(project / "data")
    command = [sys.executable, "-m", "dagster_webserver", "-m", "stand_in", "-h", "127.0.0.1", "-p", str(port)]
    with (
        (project / "webserver.log").open("w") as log,
        subprocess.Popen(
            command, cwd=project, env=environment, stdout=log, stderr=log, start_new_session=True
        ) as server,
    ):
        try:
            yield lambda query: _ask(f"http://127.0.0.1:{port}/graphql", query, server)
        finally:
            os.killpg(server.pid, signal.SIGINT)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)


def _ask(address: str, query: str, server: subprocess.Popen) -> dict:
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    while True:
        try:
            with urllib.request.urlopen(request) as response:
                answer = json.load(response)
            assert "errors" not in answer, answer
            return answer["data"]
        except urllib.error.URLError:  # not up yet
            assert server.poll() is None, "the webserver has ended"
            time.sleep(0.2)


def _stale(ask) -> set[str]:
    return {
        "/".join(node["assetKey"]["path"][1:]) for node in ask(STALE)["assetNodes"] if node["staleStatus"] != "FRESH"
    }


def _launch(ask, mutation: str) -> None:
    launched = ask(mutation)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    status = ""
    for _ in range(600):
        status = ask(STATUS % launched["run"]["runId"])["runOrError"]["status"]
        if status in ("SUCCESS", "FAILURE"):
            break
        time.sleep(0.5)
    assert status == "SUCCESS"


def test_the_pages_mark_the_edited_variant_alone_one_can_be_accepted_there_and_a_refresh_makes_all_fresh(project):
    with webserver(project) as ask:
        _launch(ask, LAUNCH)
        assert _stale(ask) == set()

        model = project / "sepmodels/models/architectures/transformer.py"
        model.write_text(model.read_text() + "\n# a comment\n")
        ask(RELOAD)
        assert _stale(ask) == set()

        edit_function(model, "Model.sequence")
        ask(RELOAD)
        assert _stale(ask) == {"transformer/checkpoint", "transformer/estimates"}

        _launch(ask, ACCEPT)
        assert _stale(ask) == {"transformer/estimates"}

        edit_function(project / "sepmodels/scoring/track.py", "score_track")
        ask(RELOAD)
        scores = {"open_unmix/scores", "transformer/scores", "mixture/scores"}
        assert _stale(ask) == {"transformer/estimates", *scores}

        _launch(ask, LAUNCH)
        assert _stale(ask) == set()
