"""One file over HTTP, for as long as something comes: resumed after a break, tried again with back-off."""

import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import urlsplit

import requests
import tenacity
import urllib3

from sepmodels.errors import UserError
from sepmodels.progress import Progress, Say

_BLOCK_BYTES = 1 << 16
_CONNECT_SECONDS = 20.0
_MEGABYTE = 10**6
_RATE_OVER_SECONDS = 10.0
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class RemoteFile:
    """What is fetched, and what it must be.

    md5: empty where none is published.
    token: sent as a bearer token to the URL's own server, never to one that it redirects to; empty for none.
    """

    url: str
    size_bytes: int
    md5: str = ""
    token: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or self.url


@dataclass(frozen=True)
class Patience:
    """How long a download bears with a server.

    stall_seconds: without a byte, after which a connection is given up.
    tries: in a row that bring nothing.
    first_wait_seconds, longest_wait_seconds: between such tries; doubled from one to the next, with jitter.
    """

    stall_seconds: float = 60.0
    tries: int = 8
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 300.0


PATIENT = Patience()


class _FruitlessError(Exception):
    """A try that brought nothing, and may be made again."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


@dataclass
class Transfer:
    """One file on its way. The local file's position is always its end: what has come."""

    remote: RemoteFile
    file: BinaryIO
    patience: Patience
    meter: "Meter"
    say: Say
    ranges: bool = True  # whether the server gives the ranges that it is asked for
    reached: bool = False

    def from_the_start(self) -> None:
        """Drop what has come, and fetch it all."""
        self.file.truncate(0)
        self.file.seek(0)
        self.until_whole()

    def until_whole(self) -> None:
        """Try until every byte has come; only tries in a row that bring nothing are counted."""
        if self.file.tell() > self.remote.size_bytes:
            self.file.truncate(0)
            self.file.seek(0)
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_FruitlessError),
            wait=self._wait_seconds,
            stop=tenacity.stop_after_attempt(self.patience.tries),
            before_sleep=self._say_waiting,
            reraise=True,
        )
        with requests.Session() as session:
            while self.file.tell() < self.remote.size_bytes:
                try:
                    again(self._try_once, session)
                except _FruitlessError as last:
                    raise UserError(
                        f"{self.remote.url} could not be fetched: {last}, {self.patience.tries} times in a row. "
                        f"What has come ({self._come()}) is kept: run again later to go on."
                    ) from None

    def _try_once(self, session: requests.Session) -> None:
        """One request; returns when it brought something new, whether or not that was all."""
        before = self.file.tell()
        reason = "the server sent nothing"
        try:
            with session.get(
                self.remote.url,
                headers=self._headers(before),
                stream=True,
                timeout=(_CONNECT_SECONDS, self.patience.stall_seconds),
            ) as response:
                self.reached = True
                self._take(response, skip=self._skip(response, before))
        except requests.RequestException as fault:
            reason = self._reason(fault)
        if self.file.tell() == before:
            raise _FruitlessError(reason)
        if self.file.tell() < self.remote.size_bytes:
            self.say(f"{self.remote.host}: {reason}; going on from {self._come()}.")

    def _headers(self, come: int) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity", "User-Agent": "sepbench"}
        if come and self.ranges:
            headers["Range"] = f"bytes={come}-"
        if self.remote.token:
            if urlsplit(self.remote.url).scheme != "https" and self.remote.host not in _LOCAL:
                raise UserError(f"The token is not sent to {self.remote.url}, which is not encrypted: name https.")
            headers["Authorization"] = f"Bearer {self.remote.token}"
        return headers

    def _skip(self, response: requests.Response, come: int) -> int:
        """How many of the answer's bytes are here already; raises for an answer that is not the file's bytes."""
        self._check_status(response)
        first, total = 0, response.headers.get("Content-Length", "")
        if response.status_code == 206:
            found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
            first, total = (int(found[1]), found[2]) if found else (come + 1, "")
        if total.isdigit() and int(total) != self.remote.size_bytes:
            raise UserError(
                f"{self.remote.url} has {total} bytes where {self.remote.size_bytes} are expected: it is another file; "
                "try again later, or fetch it from a mirror."
            )
        if first > come:
            self.ranges = False
            raise _FruitlessError("the server sent another range than was asked for")
        return come - first

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status in _PASSING:
            raise _FruitlessError(f"the server answers {status} ({response.reason})", self._retry_after(response))
        if status == 416:
            self.ranges = False
            raise _FruitlessError("the server refuses the range")
        if status in (401, 403):
            raise UserError(
                f"{self.remote.url} may not be fetched ({status} {response.reason}): ask its owners for access, and "
                "put the token that they give into SEPBENCH_DOWNLOAD_TOKEN."
            )
        if status not in (200, 206):
            raise UserError(
                f"{self.remote.url} is not to be had ({status} {response.reason}): fetch it from a mirror, named by "
                "SEPBENCH_MIRROR, or by hand."
            )

    def _retry_after(self, response: requests.Response) -> float | None:
        """The seconds that the server asks to wait; raises where that is too long to stay for."""
        asked = response.headers.get("Retry-After")
        if asked is None:
            return None
        try:
            seconds = urllib3.Retry().parse_retry_after(asked)
        except urllib3.exceptions.InvalidHeader:
            return None
        if seconds > self.patience.longest_wait_seconds:
            raise UserError(
                f"{self.remote.host} asks to come back in {seconds / 60:.0f} minutes ({response.status_code}): run "
                f"again then; what has come ({self._come()}) is kept."
            )
        return seconds

    def _take(self, response: requests.Response, skip: int) -> None:
        for block in response.iter_content(_BLOCK_BYTES):
            kept = block[skip:]
            skip = max(0, skip - len(block))
            self.file.write(kept[: self.remote.size_bytes - self.file.tell()])
            self.meter.show(self.file.tell())
            if self.file.tell() == self.remote.size_bytes:
                return

    def _reason(self, fault: requests.RequestException) -> str:
        """What broke, in words; raises where trying again is of no use."""
        if isinstance(fault, ValueError):
            raise UserError(f"{self.remote.url} is not the address of a file: {_last_words(fault)}.") from None
        cause = getattr(fault.args[0], "reason", fault.args[0]) if fault.args else fault
        final = isinstance(cause, urllib3.exceptions.NameResolutionError) and not self.reached
        if final or isinstance(fault, requests.exceptions.SSLError):
            raise UserError(
                f"{self.remote.host} cannot be reached ({_last_words(cause)}): is this machine online? Without a "
                "network, copy the dataset here and name its folder with --dataset."
            ) from None
        if isinstance(cause, urllib3.exceptions.NewConnectionError):
            return f"no connection to {self.remote.host} could be made"
        if isinstance(fault, requests.Timeout) or isinstance(cause, urllib3.exceptions.TimeoutError):
            return f"the server sent nothing for {self.patience.stall_seconds:g} s"
        return "the connection broke"

    def _wait_seconds(self, state: tenacity.RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        asked = fault.wait_seconds if isinstance(fault, _FruitlessError) else None
        if asked is not None:
            return asked
        first, longest = self.patience.first_wait_seconds, self.patience.longest_wait_seconds
        return (tenacity.wait_exponential(first, max=longest) + tenacity.wait_random(0, first))(state)

    def _say_waiting(self, state: tenacity.RetryCallState) -> None:
        fault = state.outcome.exception() if state.outcome else None
        self.say(
            f"{self.remote.host}: {fault}; try {state.attempt_number + 1} of {self.patience.tries} "
            f"in {state.upcoming_sleep:.0f} s."
        )

    def _come(self) -> str:
        return f"{self.file.tell() / _MEGABYTE:.0f} of {self.remote.size_bytes / _MEGABYTE:.0f} MB"


class Meter:
    """How far, how fast, how long still; the rate is that of the last seconds."""

    def __init__(self, size_bytes: int, progress: Progress) -> None:
        self.size_bytes, self.progress = size_bytes, progress
        self.seen: deque[tuple[float, int]] = deque()

    def show(self, come: int) -> None:
        now = time.monotonic()
        if self.seen and now - self.seen[-1][0] < 0.1 and come < self.size_bytes:
            return
        self.seen.append((now, come))
        while now - self.seen[0][0] > _RATE_OVER_SECONDS:
            self.seen.popleft()
        seconds, gained = now - self.seen[0][0], come - self.seen[0][1]
        rate = gained / seconds if seconds and gained > 0 else 0.0
        figures = {"MB_per_second": rate / _MEGABYTE}
        if rate:
            figures["minutes_left"] = (self.size_bytes - come) / rate / 60
        self.progress(_megabytes(come), _megabytes(self.size_bytes), "MB", **figures)


def _megabytes(size_bytes: int) -> int:
    return -(-size_bytes // _MEGABYTE)


def _last_words(cause: object) -> str:
    return str(cause).rpartition(": ")[2].rstrip(".") or type(cause).__name__
