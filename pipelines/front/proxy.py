"""Dagster's and MLflow's pages behind the front page's own address, so that one port reaches all of them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from urllib.parse import urlparse

import aiohttp
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

# Of one connection, not of what is sent through it (RFC 9110, section 7.6.1), and what aiohttp sets itself.
_HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "upgrade"}
_HOP_BY_HOP |= {"transfer-encoding", "host", "origin"}
_OF_THE_HANDSHAKE = "sec-websocket-"
_PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class Inner:
    """A server behind the front page.

    prefix: of its pages' paths, here and there. address: of the server, without the prefix.
    """

    name: str
    prefix: str
    address: str

    def address_of(self, path: str, query: str) -> str:
        """Where the server has what is asked for here."""
        return f"{self.address}{path}{'?' if query else ''}{query}"


def is_own(connection: HTTPConnection) -> bool:
    """Whether it comes from a page of this address, or from no page; another site may not press buttons here."""
    origin = connection.headers.get("origin")
    return origin is None or urlparse(origin).netloc == connection.headers.get("host")


class Proxy:
    """Passes requests on to one of the servers, as they come, and gives back what it says."""

    def __init__(self, session: aiohttp.ClientSession, inner: Inner) -> None:
        self._session, self._inner = session, inner

    async def http(self, request: Request) -> Response:
        if not is_own(request):
            return PlainTextResponse("Only the pages of this address may ask this.", 403)
        has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
        try:
            answer = await self._session.request(
                request.method,
                self._inner.address_of(request.url.path, request.url.query),
                headers=_passed_on(request.headers.items()),
                data=request.stream() if has_body else None,
                allow_redirects=False,
            )
        except aiohttp.ClientError as fault:
            return PlainTextResponse(f"{self._inner.name} does not answer ({fault}): look at its log.", 502)
        response = StreamingResponse(_pieces(answer), answer.status)
        response.raw_headers = [
            (name.lower().encode("latin-1"), self._seen_from_here(value).encode("latin-1"))
            for name, value in answer.headers.items()
            if name.lower() not in _HOP_BY_HOP
        ]
        return response

    def _seen_from_here(self, value: str) -> str:
        return value.removeprefix(self._inner.address)  # of a redirect

    async def websocket(self, socket: WebSocket) -> None:
        if not is_own(socket):
            await socket.close(1008)
            return
        address = self._inner.address_of(socket.url.path, socket.url.query)
        spoken = socket.scope["subprotocols"]
        headers = {
            name: value
            for name, value in _passed_on(socket.headers.items()).items()
            if not name.startswith(_OF_THE_HANDSHAKE)
        }
        try:
            async with self._session.ws_connect(address, protocols=spoken, headers=headers, max_msg_size=0) as inner:
                await socket.accept(subprotocol=inner.protocol)
                await _first_of(_to_inner(socket, inner), _from_inner(inner, socket))
        except aiohttp.ClientError:
            await socket.close(1011)


def _passed_on(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in _HOP_BY_HOP}


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.content.iter_chunked(_PIECE_BYTES):
            yield piece
    finally:
        answer.close()


async def _first_of(*ways: object) -> None:
    """Run both directions until one of them ends, and end the other."""
    tasks = [asyncio.ensure_future(way) for way in ways]  # type: ignore[arg-type]
    _, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _to_inner(socket: WebSocket, inner: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        try:
            message = await socket.receive()
        except WebSocketDisconnect:
            break
        if message["type"] == "websocket.disconnect":
            break
        if (text := message.get("text")) is not None:
            await inner.send_str(text)
        else:
            await inner.send_bytes(message["bytes"])
    await inner.close()


async def _from_inner(inner: aiohttp.ClientWebSocketResponse, socket: WebSocket) -> None:
    async for message in inner:
        if message.type == aiohttp.WSMsgType.TEXT:
            await socket.send_text(message.data)
        elif message.type == aiohttp.WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    await socket.close(inner.close_code or 1000)
