"""``sepbench serve``: a local page that separates a song that is dropped on it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlparse

import uvicorn
from rich.console import Console
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from assets.paths import Paths
from pipelines.ports import free_port
from pipelines.serve.work import PageWork
from pipelines.songs.choose_model import choose_model, trained_variants
from pipelines.songs.tidy_end import tidy_end
from sepmodels.audio import targets_of
from sepmodels.errors import UserError
from sepmodels.settings import Profile
from sepmodels.systems import aimed, systems_of, trained_systems
from sepmodels.systems.added import Added
from sepmodels.systems.system import System

HOST = "127.0.0.1"
NOTHING_TRAINED = "No variant of {name} is trained yet: run `sepbench run -p {name}`."
PAGE = Path(__file__).with_name("page.html")
MAX_MEGABYTES, MAX_MINUTES = 500.0, 30.0  # unless something else is asked for
# Nothing from anywhere else, whatever a song or its name may hold.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:; "
POLICY += "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def serve(
    profile: Profile,
    paths: Paths,
    console: Console,
    *,
    port: int = 7860,
    max_megabytes: float = MAX_MEGABYTES,
    max_minutes: float = MAX_MINUTES,
    open_browser: bool = True,
) -> None:
    """Serve the page on this machine alone until Ctrl-C or another signal; the next free port when ``port`` is taken.

    max_megabytes: the largest song. max_minutes: the longest time to receive one, and to separate it.

    Raises :class:`UserError` where no variant is trained, and no other system can separate.
    """
    if not offered(profile, paths):
        raise UserError(NOTHING_TRAINED.format(name=profile.name))
    with tidy_end(), TemporaryDirectory(prefix="sepbench-serve-") as folder:
        work = PageWork(profile, paths, Path(folder), 60 * max_minutes)
        app = page_app(work, max_megabytes)
        port = free_port(HOST, port)
        where = f"[bold]http://{HOST}:{port}[/]"
        console.print(f"{where} separates songs on {work.device}; Ctrl-C ends it.", highlight=False)
        if open_browser:
            import webbrowser

            webbrowser.open(f"http://{HOST}:{port}")
        try:
            uvicorn.run(app, host=HOST, port=port, log_level="warning", timeout_graceful_shutdown=2)
        finally:
            console.print("Ending ...")
            work.close()


def page_app(
    work: PageWork, max_megabytes: float = MAX_MEGABYTES, hosts: Sequence[str] = (HOST, "localhost")
) -> Starlette:
    """The page as an ASGI application.

    max_megabytes: the largest song. hosts: the names that a browser may know this machine by.
    """
    views = _Views(work, int(max_megabytes * 1e6))
    return Starlette(
        routes=[
            Route("/", views.page),
            Route("/songs", views.take, methods=["POST"]),
            Route("/songs/{id}", views.tell),
            Route("/songs/{id}/forget", views.forget, methods=["POST"]),
            Route("/songs/{id}/{name}", views.give),
        ],
        # a page elsewhere could otherwise reach this one by a name of its own that leads here
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
    )


class _Views:
    """What the page's addresses answer."""

    def __init__(self, work: PageWork, max_bytes: int) -> None:
        self.work, self.max_bytes, self.max_seconds = work, max_bytes, work.limit_seconds
        self.stems = targets_of(work.profile.target)
        self.files = {f"{stem}.{suffix}" for stem in self.stems for suffix in ("flac", "png")}

    def page(self, request: Request) -> Response:  # noqa: ARG002
        profile, paths = self.work.profile, self.work.paths
        systems = offered(profile, paths)
        names, why = _best_first(profile, paths, systems)
        text = PAGE.read_text(encoding="utf-8")
        for mark, content in (
            ("stems", json.dumps(self.stems)),
            ("variants", "".join(_option(systems[name]) for name in names)),
            ("why", escape(why)),
            ("hint", "" if systems else escape(NOTHING_TRAINED.format(name=profile.name))),
        ):
            text = text.replace(f"<!-- {mark} -->", content)
        return HTMLResponse(text, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})

    async def take(self, request: Request) -> Response:
        """Receive a song as the request's body, and begin."""
        origin, variant = request.headers.get("origin"), request.query_params.get("variant", "")
        if origin is not None and urlparse(origin).netloc != request.headers["host"]:
            return _refuse(403, "Only this page itself may send songs.")
        if variant not in offered(self.work.profile, self.work.paths):
            return _refuse(400, f"There is no trained variant {variant!r}, and no other system of that name.")
        task = self.work.new(variant)
        try:
            async with asyncio.timeout(self.max_seconds):
                size = await self._receive(request, task.song)
        except TimeoutError:
            size = None
        except ClientDisconnect:  # the page was closed or left: nobody hears an answer
            self.work.remove(task.id)
            return _refuse(400, "The song did not arrive as a whole.")
        except BaseException:
            self.work.remove(task.id)
            raise
        if size is None or size > self.max_bytes:
            self.work.remove(task.id)
            if size is None:
                return _refuse(408, f"The song took longer than {self.max_seconds / 60:g} minutes to arrive.")
            return _refuse(413, f"The song is larger than {self.max_bytes / 1e6:g} MB, the most that is taken here.")
        self.work.begin(task)
        return _json({"id": task.id})

    async def _receive(self, request: Request, file: Path) -> int:
        """Write the body into a file, as far as it is not too large; gives its size.

        What is too large is read to its end all the same: a browser hears no answer before it has sent everything.
        """
        size = 0
        with file.open("wb") as song:
            async for piece in request.stream():
                size += len(piece)
                if size <= self.max_bytes:
                    song.write(piece)
        return size

    async def tell(self, request: Request) -> Response:
        task = self.work.tasks.get(request.path_params["id"])
        return _refuse(404, "The song and its stems were removed.") if task is None else _json(task.said())

    async def forget(self, request: Request) -> Response:
        self.work.remove(request.path_params["id"])
        return _json({})

    async def give(self, request: Request) -> Response:
        """A stem or its picture."""
        task = self.work.tasks.get(request.path_params["id"])
        name = request.path_params["name"]
        if task is None or task.state != "done" or name not in self.files:
            return _refuse(404, "There is no such file.")
        return FileResponse(task.folder / name, headers={"Cache-Control": "no-store"})


def offered(profile: Profile, paths: Paths) -> dict[str, System]:
    """What can separate a song here: the variants that have a model, then those systems that need none."""
    known = {name: aimed(one, profile.target) for name, one in trained_systems(paths.systems).items()}
    trained = {name: known[name] for name in trained_variants(profile, paths)}
    others = (one for one in systems_of(profile, paths.systems) if isinstance(one, Added) and one.separates_songs)
    return {**trained, **{one.name: one for one in others}}


def _best_first(profile: Profile, paths: Paths, systems: Mapping[str, System]) -> tuple[list[str], str]:
    """Their names with the one first that a person would get who did not choose, and a sentence on why."""
    try:
        chosen = choose_model(profile, paths)
    except UserError:  # the baseline is not among the trained, and there is no table
        return list(systems), ""
    assert chosen.expect is not None
    return sorted(systems, key=lambda name: systems[name] != chosen.expect), f"{chosen.expect.title} is {chosen.why}."


def _option(system: System) -> str:
    about = system.summary or system.words
    return f'<option value="{system.name}" data-about="{escape(about)}">{escape(system.title)}</option>'


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(content, status, headers={"Cache-Control": "no-store"})


def _refuse(status: int, message: str) -> Response:
    return _json({"message": message}, status)
