"""The front page of ``sepbench ui``: what is stale, what runs, the table, and the way to all other pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from assets.paths import Paths
from assets.runtime.going import going_on
from assets.tracking.pages import DAGSTER, MLFLOW, REPORT, SONGS
from assets.tracking.trainings import trainings_page
from pipelines.front.inner_pages import OVER, DagsterPages, MLflowPages
from pipelines.front.proxy import Inner, Proxy, is_own
from pipelines.front.results import results_table
from pipelines.front.standings import Standings
from pipelines.ports import is_of_this_machine_alone
from sepmodels.errors import UserError
from sepmodels.settings import Profile

FOLDER = Path(__file__).parent
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
POLICY += "form-action 'none'; frame-ancestors 'none'"


def front_app(profile: Profile, paths: Paths, *, host: str, dagster: str, mlflow: str, songs: ASGIApp) -> Starlette:
    """The front page and all behind it, as an ASGI application.

    host: the address that it listens on. dagster, mlflow: addresses of their servers, which have the prefixes of
    :mod:`assets.tracking.pages`. songs: the application of the page that separates songs.
    """
    views = _Views(profile, paths, dagster, mlflow)
    hosts = ["127.0.0.1", "localhost", host] if is_of_this_machine_alone(host) else ["*"]
    return Starlette(
        routes=[
            Route("/", views.page),
            Route("/state", views.state),
            Route("/curves", views.curves),
            Route("/trainings", views.trainings),
            Route("/refresh", views.refresh, methods=["POST"]),
            Route("/plotly.js", _plotly),
            Mount("/front", StaticFiles(directory=FOLDER / "static")),
            *_mounted(REPORT, _Report(directory=paths.report, html=True, check_dir=False)),
            *_mounted(SONGS, songs),
            *_behind(views, Inner("Dagster", DAGSTER, dagster)),
            *_behind(views, Inner("MLflow", MLFLOW, mlflow)),
        ],
        # a page elsewhere could otherwise reach this one by a name of its own that leads here
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
        lifespan=views.open,
    )


class _Report(StaticFiles):
    async def check_config(self) -> None:
        """Ask for nothing: the folder comes when the report is made."""


def _mounted(prefix: str, app: ASGIApp) -> list[BaseRoute]:
    return [Route(prefix, _to_folder), Mount(prefix, app)]


async def _to_folder(request: Request) -> Response:
    return RedirectResponse(f"{request.url.path}/")


def _behind(views: "_Views", inner: Inner) -> list[BaseRoute]:
    async def http(request: Request) -> Response:
        return await Proxy(views.session, inner).http(request)

    async def websocket(socket: Any) -> None:
        await Proxy(views.session, inner).websocket(socket)

    paths = f"{inner.prefix}/{{rest:path}}"
    return [Route(inner.prefix, _to_folder), Route(paths, http, methods=METHODS), WebSocketRoute(paths, websocket)]


async def _plotly(request: Request) -> Response:  # noqa: ARG001
    import plotly

    file = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return Response(
        await run_in_threadpool(file.read_bytes),
        media_type="text/javascript",
        headers={"Cache-Control": "max-age=86400"},
    )


class _Views:
    """What the front page's own addresses answer."""

    session: aiohttp.ClientSession

    def __init__(self, profile: Profile, paths: Paths, dagster: str, mlflow: str) -> None:
        self._profile, self._paths = profile, paths
        self._addresses = f"{dagster}{DAGSTER}", f"{mlflow}{MLFLOW}"
        self._standings = Standings(paths)

    @asynccontextmanager
    async def open(self, app: Starlette) -> AsyncIterator[None]:  # noqa: ARG002
        """Hold the connections to the servers as long as the application runs."""
        async with (
            aiohttp.ClientSession(
                auto_decompress=False,  # what they packed goes on as it is
                timeout=aiohttp.ClientTimeout(total=None, connect=10),
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as self.session,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as asking,
        ):
            self._dagster = DagsterPages(asking, self._addresses[0])
            self._mlflow = MLflowPages(asking, self._addresses[1], self._profile.name)
            yield
            await self._standings.close()

    async def page(self, request: Request) -> Response:  # noqa: ARG002
        text = (FOLDER / "page.html").read_text(encoding="utf-8")
        return HTMLResponse(
            text.replace("<!-- profile -->", self._profile.name),
            headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"},
        )

    async def state(self, request: Request) -> Response:  # noqa: ARG002
        """All that the page shows, but for curves."""
        fault, runs = "", []
        try:
            runs = await self._dagster.runs()
        except (UserError, aiohttp.ClientError, TimeoutError) as error:
            fault = f"Dagster does not answer: {error}"
        running = [run for run in runs if run["status"] not in OVER]
        self._standings.look_if_changed(run["runId"] for run in running)
        going = await run_in_threadpool(going_on, self._paths.going)
        content = {
            "going": [{**asdict(one), "seconds_left": one.seconds_left} for one in going],
            "running": running,
            "last": next((run for run in runs if run["status"] in OVER), None),
            "standings": self._standings.said(),
            "results": await run_in_threadpool(results_table, self._paths),
            "report": (self._paths.report / "index.html").exists(),
            "fault": fault,
        }
        return _json(content)

    async def curves(self, request: Request) -> Response:  # noqa: ARG002
        try:
            return _json(await self._mlflow.curves())
        except (aiohttp.ClientError, TimeoutError):
            return _json({})

    async def trainings(self, request: Request) -> Response:  # noqa: ARG002
        """Lead to MLflow's view of the trainings, the best first."""
        experiment_id = await self._mlflow.experiment_id()
        return RedirectResponse(MLFLOW + (trainings_page(experiment_id) if experiment_id else "/"))

    async def refresh(self, request: Request) -> Response:
        if not is_own(request):
            return _json({"message": "Only this page itself may begin a run."}, 403)
        try:
            return _json({"run": await self._dagster.refresh()})
        except (UserError, aiohttp.ClientError, TimeoutError) as fault:
            return _json({"message": str(fault) or "Dagster does not answer."}, 502)


def _json(content: Any, status: int = 200) -> Response:
    return JSONResponse(content, status, headers={"Cache-Control": "no-store"})
