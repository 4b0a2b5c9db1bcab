"""A real HTTP server on this machine that misbehaves as it is told: for tests of downloads."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class FileServer(ThreadingHTTPServer):
    """Serves a folder.

    faults: one for each request to come; each is called with the handler and the file's bytes, and answers in
        place of the server. Once there are no more, files are served as they should be, ranges too.
    requests: the path and headers of every request.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.faults: list[Callable[[_Handler, bytes], None]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def ranges(self) -> list[str | None]:
        """The range that each request asked for."""
        return [headers.get("Range") for _, headers in self.requests]


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        file = self.server.folder / self.path.lstrip("/").removesuffix("/content")
        content = file.read_bytes() if file.is_file() else b""
        if self.server.faults:
            self.server.faults.pop(0)(self, content)
        elif not file.is_file():
            self.send_error(404)
        else:
            send(self, content)

    def log_message(self, *_: object) -> None:
        pass


def send(handler: BaseHTTPRequestHandler, content: bytes, most: int | None = None) -> None:
    """Answer as a good server would, with the range that is asked for; only ``most`` bytes of it, if given."""
    asked = handler.headers.get("Range")
    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
    handler.send_response(206 if asked else 200)
    handler.send_header("Content-Length", str(len(content) - start))
    if asked:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    handler.end_headers()
    handler.wfile.write(content[start:][:most])


def cut(after: int) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    """Break the connection after so many bytes."""
    return lambda handler, content: send(handler, content, after)


def stall(after: int, seconds: float) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    """Send nothing more after so many bytes, for a while."""

    def answer(handler: BaseHTTPRequestHandler, content: bytes) -> None:
        send(handler, content, after)
        handler.wfile.flush()
        time.sleep(seconds)

    return answer


def status(code: int, **headers: str) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    """Answer with a status and nothing else."""

    def answer(handler: BaseHTTPRequestHandler, content: bytes) -> None:  # noqa: ARG001
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def body(content: bytes, code: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    """Answer with other bytes than the file's, whatever was asked for."""

    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


@contextmanager
def serving(folder: Path) -> Iterator[FileServer]:
    """The server, while the block runs."""
    with FileServer(folder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
