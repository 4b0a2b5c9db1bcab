"""``sepbench serve``: a local page that separates a song that is dropped on it."""

import asyncio
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlparse

from rich.console import Console

from assets.paths import Paths
from pipelines.ports import free_port
from pipelines.serve.work import PageWork
from pipelines.songs.choose_model import choose_model, trained_variants
from pipelines.songs.tidy_end import tidy_end
from sepmodels.errors import UserError
from sepmodels.settings import Profile
from sepmodels.systems.variants import VARIANTS, Variant

HOST = "127.0.0.1"
PAGE = Path(__file__).with_name("page.html")
FILES = ("vocals.flac", "accompaniment.flac", "vocals.png", "accompaniment.png")
KEEP_SECONDS = 3600.0
# Nothing from anywhere else, whatever a song or its name may hold.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:; "
POLICY += "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def serve(
    profile: Profile,
    paths: Paths,
    console: Console,
    *,
    port: int = 7860,
    max_megabytes: float = 500.0,
    max_minutes: float = 30.0,
    open_browser: bool = True,
) -> None:
    """Serve the page on this machine alone until Ctrl-C or another signal; the next free port when ``port`` is taken.

    max_megabytes: the largest song. max_minutes: the longest time to receive one, and to separate it.

    Raises :class:`UserError` for a package that is missing, and where no variant is trained.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise _missing(error) from error

    with tidy_end(), TemporaryDirectory(prefix="sepbench-serve-") as folder:
        work = PageWork(profile, paths, Path(folder), 60 * max_minutes, KEEP_SECONDS)
        app = page_app(profile, paths, work, max_bytes=int(max_megabytes * 1e6), max_seconds=60 * max_minutes)
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


def page_app(profile: Profile, paths: Paths, work: PageWork, *, max_bytes: int, max_seconds: float) -> Any:
    """The page as an ASGI application; raises :class:`UserError` as :func:`serve` does."""
    try:
        from starlette.applications import Starlette
        from starlette.middleware import Middleware
        from starlette.middleware.trustedhost import TrustedHostMiddleware
        from starlette.routing import Route
    except ImportError as error:
        raise _missing(error) from error

    views = _Views(profile, paths, work, max_bytes, max_seconds)
    return Starlette(
        routes=[
            Route("/", views.page),
            Route("/songs", views.take, methods=["POST"]),
            Route("/songs/{id}", views.tell),
            Route("/songs/{id}/forget", views.forget, methods=["POST"]),
            Route("/songs/{id}/{name}", views.give),
        ],
        # a page elsewhere could otherwise reach this one by a name of its own that leads here
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
    )


def _missing(error: ImportError) -> UserError:
    return UserError(f"The page needs the package {error.name}: install it with `pip install 'sepbench[serve]'`.")


class _Views:
    """What the page's addresses answer."""

    def __init__(self, profile: Profile, paths: Paths, work: PageWork, max_bytes: int, max_seconds: float) -> None:
        self.work, self.max_bytes, self.max_seconds = work, max_bytes, max_seconds
        self.variants = trained_variants(profile, paths)
        if not self.variants:
            raise UserError(f"No variant of {profile.name} is trained yet: run `sepbench run -p {profile.name}`.")
        names, why = _best_first(profile, paths, self.variants)
        options = "".join(_option(VARIANTS[name]) for name in names)
        page = PAGE.read_text(encoding="utf-8")
        self.html = page.replace("<!-- variants -->", options).replace("<!-- why -->", escape(why))

    async def page(self, request: Any) -> Any:  # noqa: ARG002
        from starlette.responses import HTMLResponse

        return HTMLResponse(self.html, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})

    async def take(self, request: Any) -> Any:
        """Receive a song as the request's body, and begin."""
        from starlette.requests import ClientDisconnect

        origin, variant = request.headers.get("origin"), request.query_params.get("variant", "")
        if origin is not None and urlparse(origin).netloc != request.headers["host"]:
            return _refuse(403, "Only this page itself may send songs.")
        if variant not in self.variants:
            return _refuse(400, f"There is no trained variant {variant!r}.")
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

    async def _receive(self, request: Any, file: Path) -> int:
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

    async def tell(self, request: Any) -> Any:
        task = self.work.tasks.get(request.path_params["id"])
        return _refuse(404, "The song and its stems were removed.") if task is None else _json(task.said())

    async def forget(self, request: Any) -> Any:
        self.work.remove(request.path_params["id"])
        return _json({})

    async def give(self, request: Any) -> Any:
        """A stem or its picture."""
        from starlette.responses import FileResponse

        task = self.work.tasks.get(request.path_params["id"])
        name = request.path_params["name"]
        if task is None or task.state != "done" or name not in FILES:
            return _refuse(404, "There is no such file.")
        return FileResponse(task.folder / name, headers={"Cache-Control": "no-store"})


def _best_first(profile: Profile, paths: Paths, variants: list[str]) -> tuple[list[str], str]:
    """The variants with the one first that a person would get who did not choose, and a sentence on why."""
    try:
        chosen = choose_model(profile, paths)
    except UserError:  # the baseline is not among the trained, and there is no table
        return variants, ""
    assert chosen.expect is not None
    names = sorted(variants, key=lambda name: VARIANTS[name] != chosen.expect)
    return names, f"{chosen.expect.title} is {chosen.why}."


def _option(variant: Variant) -> str:
    return f'<option value="{variant.name}" data-about="{escape(variant.summary)}">{escape(variant.title)}</option>'


def _json(content: dict[str, Any], status: int = 200) -> Any:
    from starlette.responses import JSONResponse

    return JSONResponse(content, status, headers={"Cache-Control": "no-store"})


def _refuse(status: int, message: str) -> Any:
    return _json({"message": message}, status)
