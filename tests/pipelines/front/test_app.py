"""The front page: one address for all pages, with what is stale, what runs, and the table."""

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from assets.paths import Paths
from assets.runtime.going import GoingFile
from pipelines.front.app import front_app
from pipelines.profiles import PROFILES
from tests.browser import PATIENCE_MS, chromium
from tests.ports import own_port

HOST = "127.0.0.1"
LAST = {"runId": "aaaaaaaa-1", "jobName": "refresh", "status": "SUCCESS", "startTime": 1.0, "creationTime": 1.0}
GOES_ON = {**LAST, "runId": "bbbbbbbb-2", "status": "STARTED"}
PRODUCTS = [
    {"system": "open_unmix", "name": "checkpoint", "state": "stale", "reasons": ["an edit"], "seconds": 5.0},
    {"system": "results", "name": "report", "state": "fresh", "reasons": [], "seconds": 1.0},
]


def mlflow_run(name: str, metrics: list[str], tags: dict[str, str]) -> dict:
    said = [{"key": key, "value": value} for key, value in tags.items()]
    return {"info": {"run_id": name}, "data": {"metrics": [{"key": key} for key in metrics], "tags": said}}


EXPERIMENT = {"experiment": {"experiment_id": "1"}}
TRAINING = mlflow_run("training", ["system/cpu"], {"dagster.asset_key": "demo/open_unmix/checkpoint"})
SEEDS = [
    mlflow_run("first", ["loss", "seconds"], {"sepbench.seed": "1"}),
    mlflow_run("second", ["loss"], {"sepbench.seed": "2"}),
]


class Served:
    """An application, served from a thread of this process."""

    def __init__(self, app: Starlette, port: int) -> None:
        self.address = f"http://{HOST}:{port}"
        self._server = uvicorn.Server(uvicorn.Config(app, host=HOST, port=port, log_level="warning"))
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> "Served":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    def ask(self, path: str, body: bytes | None = None, method: str | None = None, **headers: str):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.address + path, body, named, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.status, refusal.headers, refusal.read()


class Inner:
    """A server with prefixes, as Dagster's and MLflow's have them; it answers what the front page asks of both."""

    def __init__(self) -> None:
        self.runs, self.launched = [LAST], []
        self.fault: str | None = None

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/dagster/graphql", self._graphql, methods=["POST"]),
                Route(
                    "/dagster/moved", lambda request: RedirectResponse(f"http://{request.headers['host']}/dagster/x")
                ),
                Route("/dagster/{rest:path}", self._echo, methods=["GET", "PUT", "DELETE"]),
                WebSocketRoute("/dagster/socket", self._socket),
                Route("/mlflow/slow", self._slow),
                Route("/mlflow/api/2.0/mlflow/experiments/get-by-name", lambda _: JSONResponse(EXPERIMENT)),
                Route("/mlflow/api/2.0/mlflow/runs/search", self._search, methods=["POST"]),
                Route("/mlflow/api/2.0/mlflow/metrics/get-history", self._history),
            ]
        )

    async def _echo(self, request: Request) -> Response:
        body = (await request.body()).decode()
        said = {"path": request.url.path, "query": request.url.query, "method": request.method, "body": body}
        response = JSONResponse({**said, "origin": request.headers.get("origin"), "host": request.headers["host"]}, 201)
        response.set_cookie("one", "1")
        response.set_cookie("two", "2")
        return response

    async def _slow(self, request: Request) -> Response:  # noqa: ARG002
        async def pieces():
            yield b"first"
            await asyncio.sleep(3600)

        return StreamingResponse(pieces())

    async def _socket(self, socket: WebSocket) -> None:
        await socket.accept(subprotocol=socket.scope["subprotocols"][0])
        await socket.send_text((await socket.receive_text()).upper())
        await socket.send_bytes(await socket.receive_bytes())
        await socket.close()

    async def _search(self, request: Request) -> Response:
        children = "parentRunId` = 'training'" in (await request.json())["filter"]
        return JSONResponse({"runs": SEEDS if children else [TRAINING, SEEDS[-1]]})

    async def _history(self, request: Request) -> Response:
        points = [{"step": str(step), "value": 1 / step} for step in (1, 2)]
        return JSONResponse({"metrics": points if request.query_params["run_id"] == "second" else points[:1]})

    async def _graphql(self, request: Request) -> Response:
        asked = await request.json()
        return JSONResponse({"data": self._answer(asked["query"], asked["variables"])})

    def _answer(self, query: str, variables: dict) -> dict:
        if "runsOrError" in query:
            return {"runsOrError": {"results": self.runs}}
        if "repositoriesOrError" in query:
            node = {"name": "place", "location": {"name": "here"}, "jobs": [{"name": "benchmark"}, {"name": "refresh"}]}
            return {"repositoriesOrError": {"nodes": [node]}}
        if "reloadRepositoryLocation" in query:
            fault = {"message": self.fault} if self.fault else {}
            return {"reloadRepositoryLocation": {"__typename": "WorkspaceLocationEntry", "locationOrLoadError": fault}}
        self.launched.append(variables["run"]["selector"])
        return {"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": "cccccccc-3"}}}


@pytest.fixture
def inner() -> Inner:
    return Inner()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, "demo")


@pytest.fixture
def front(inner: Inner, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    async def look(standings) -> None:
        standings._said = {"products": PRODUCTS, "looked_at": time.time(), "fault": ""}

    monkeypatch.setattr("pipelines.front.standings.Standings._look", look)
    with Served(inner.app(), own_port(HOST)) as behind:
        songs = Starlette(routes=[Route("/", lambda _: Response("songs"))])
        app = front_app(PROFILES["demo"], paths, host=HOST, dagster=behind.address, mlflow=behind.address, songs=songs)
        with Served(app, own_port(HOST)) as served:
            yield served


def test_a_request_reaches_the_server_behind_as_it_is_and_so_does_the_answer(front: Served) -> None:
    status, headers, body = front.ask("/dagster/a/b?c=d%20e", b"content", "PUT")
    said = json.loads(body)
    assert status == 201
    assert (said["path"], said["query"], said["method"], said["body"]) == ("/dagster/a/b", "c=d%20e", "PUT", "content")
    assert headers.get_all("set-cookie") == ["one=1; Path=/; SameSite=lax", "two=2; Path=/; SameSite=lax"]


def test_the_server_behind_sees_its_own_name_and_no_origin(front: Served) -> None:
    said = json.loads(front.ask("/dagster/x", Origin=front.address)[2])
    assert said["origin"] is None
    assert said["host"] != front.address.removeprefix("http://")


def test_a_redirect_stays_at_the_front_pages_address(front: Served) -> None:
    assert json.loads(front.ask("/dagster/moved")[2])["path"] == "/dagster/x"  # urllib follows it here


def test_a_page_of_another_site_can_ask_nothing_and_begin_nothing(front: Served, inner: Inner) -> None:
    assert front.ask("/dagster/graphql", b"{}", Origin="http://evil.example")[0] == 403
    assert front.ask("/refresh", b"", Origin="http://evil.example")[0] == 403
    assert front.ask("/", Host="evil.example")[0] == 400
    assert inner.launched == []


def test_a_message_goes_both_ways_through_a_websocket_in_the_protocol_that_was_asked_for(front: Served) -> None:
    from websockets.sync.client import connect

    with connect(f"{front.address.replace('http', 'ws')}/dagster/socket", subprotocols=["graphql-ws"]) as socket:
        assert socket.subprotocol == "graphql-ws"
        socket.send("hello")
        assert socket.recv() == "HELLO"
        socket.send(b"\x00\xff")
        assert socket.recv() == b"\x00\xff"


def test_what_comes_slowly_is_passed_on_piece_by_piece(front: Served) -> None:
    with urllib.request.urlopen(f"{front.address}/mlflow/slow") as answer:
        assert answer.read(5) == b"first"


def test_a_server_that_does_not_answer_is_named(paths: Paths) -> None:
    nobody = f"http://{HOST}:{own_port(HOST)}"
    app = front_app(PROFILES["demo"], paths, host=HOST, dagster=nobody, mlflow=nobody, songs=Starlette())
    with Served(app, own_port(HOST)) as front:
        status, _, body = front.ask("/mlflow/x")
        assert (status, body[:24]) == (502, b"MLflow does not answer (")
        assert json.loads(front.ask("/state")[2])["fault"].startswith("Dagster does not answer")
        assert front.ask("/refresh", b"")[0] == 502


def test_refresh_loads_the_code_anew_and_begins_the_job_that_makes_what_is_stale(front: Served, inner: Inner) -> None:
    status, _, body = front.ask("/refresh", b"")
    assert (status, json.loads(body)) == (200, {"run": "cccccccc-3"})
    assert inner.launched == [{"repositoryLocationName": "here", "repositoryName": "place", "jobName": "refresh"}]


def test_the_curves_of_a_training_are_those_of_each_seeds_run_also_of_seeds_that_have_ended(front: Served) -> None:
    curves = json.loads(front.ask("/curves")[2])
    expected = {"seed_1/loss": [[1, 1.0]], "seed_2/loss": [[1, 1.0], [2, 0.5]]}
    assert curves == {"open_unmix/checkpoint": expected}


def test_code_that_cannot_be_loaded_is_said_and_nothing_begins(front: Served, inner: Inner) -> None:
    inner.fault = "SyntaxError: invalid syntax (losses.py, line 3)"
    status, _, body = front.ask("/refresh", b"")
    assert status == 502
    assert "SyntaxError: invalid syntax (losses.py, line 3)" in json.loads(body)["message"]
    assert inner.launched == []


def test_the_report_is_served_when_it_is_made_and_nothing_outside_of_it(front: Served, paths: Paths) -> None:
    assert front.ask("/report/")[0] == 404
    paths.report.mkdir(parents=True)
    (paths.report / "index.html").write_text("the report")
    assert front.ask("/report")[2] == b"the report"
    (paths.root / "secret").write_text("x")
    assert front.ask("/report/..%2fsecret")[0] == 404
    assert front.ask("/songs/")[2] == b"songs"


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_shows_what_runs_and_what_is_stale_and_fits_a_phone(
    front: Served, inner: Inner, paths: Paths, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    file = GoingFile(paths.going / "open_unmix-checkpoint.json", "open_unmix/checkpoint", "run")
    file.progress(50, 200, "chunk", loss=0.5)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme)
        page.set_default_timeout(PATIENCE_MS)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(front.address)
        page.get_by_text("50 of 200 chunks, loss 0.500").wait_for()
        page.get_by_text("1 of 2 products are not up to date.").wait_for()
        page.get_by_text("an edit").wait_for()
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("button", name="Refresh").click()
        page.get_by_text("The run has begun").wait_for()
        assert len(inner.launched) == 1
        inner.runs = [{**GOES_ON, "runId": "cccccccc-3"}, LAST]
        page.get_by_role("link", name="The run cccccccc").wait_for()
        assert page.get_by_role("button", name="Refresh").is_disabled()
        assert {url.partition("/")[2].partition("/")[2].partition("/")[0] for url in asked} == {front.address[7:]}
