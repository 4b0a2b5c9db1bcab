"""Decoding by ffmpeg: every stream of a file in one run, checked for exit status, messages and length.

stempeg reads stream by stem, each in a run of its own, and ignores how the run ended, so that a damaged file
comes back shorter without a word. Here one strict run feeds all streams, through a pipe each, into one array.
"""

import contextlib
import fcntl
import functools
import os
import re
import selectors
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sepmodels.errors import UserError

# A header counts in whole codec frames and may or may not include an encoder's padding: up to about 4000 samples.
LENGTH_TOLERANCE_SECONDS = 0.1
LOG_LEVEL = "level+error"  # faults alone, each with its level
_FAULT = re.compile(rb"\[(error|fatal|panic)\] ")
_PIPE_BYTES = 1 << 20
# ffmpeg writes a few kilobytes at a time; to wake up for each would cost more than the decoding.
_PATIENCE_SECONDS = 0.002
_FORMATS = {np.dtype("<i2"): "s16le", np.dtype("<f4"): "f32le"}


@dataclass(frozen=True)
class StreamHeader:
    """What a file says of one of its audio streams; seconds is None where it does not say."""

    channels: int
    sample_rate_hz: int
    seconds: float | None


def require_ffmpeg() -> None:
    """Raise :class:`UserError` unless ``ffmpeg`` and ``ffprobe`` are on the PATH."""
    missing = [name for name in ("ffmpeg", "ffprobe") if shutil.which(name) is None]
    if missing:
        raise UserError(
            f"{' and '.join(missing)} not found on the PATH: install it with `sudo apt-get install ffmpeg` "
            "(Debian, Ubuntu) or `brew install ffmpeg` (macOS), then run again."
        )


@functools.cache
def decoder_version() -> str:
    """The version of ``ffmpeg``, which decides what is decoded; "not installed" where there is none.

    It is asked for once: a run whose ffmpeg is replaced meanwhile goes by the one that it began with.
    """
    try:
        said = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "not installed"
    return said.splitlines()[0].removeprefix("ffmpeg version ").partition(" ")[0]


def require_file(path: Path) -> None:
    """Raise :class:`UserError` unless ``path`` is a file that may be read and has something in it."""
    if path.is_dir():
        raise UserError(f"{path} is a folder, where an audio file was expected: name a file in it.")
    if not path.is_file():
        raise UserError(f"{path} does not exist: check the path.")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path} may not be read: give yourself permission (`chmod u+r`).")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty: copy or download it again.")


def probe(path: Path) -> tuple[StreamHeader, ...]:
    """The headers of a file's audio streams, in order, read by stempeg.

    Raises :class:`UserError` if there is no ffmpeg, no such file, or no audio in it.
    """
    require_ffmpeg()
    require_file(path)
    import ffmpeg  # not at the top: stempeg refuses to be imported on a machine without ffmpeg
    import stempeg

    try:
        streams = stempeg.Info(str(path.absolute())).audio_streams
    except ffmpeg.Error as error:
        raise damaged(path, error.stderr, -1) from None  # a banner comes first
    headers = tuple(_header(stream) for stream in streams)
    if not headers or not all(header.channels and header.sample_rate_hz for header in headers):
        raise UserError(f"{path} cannot be decoded: it has no audio stream; an audio file was expected.")
    return headers


def _header(stream: dict[str, Any]) -> StreamHeader:
    seconds = stream.get("duration")
    return StreamHeader(
        int(stream["channels"]), int(stream["sample_rate"]), None if seconds is None else float(seconds)
    )


def decode(
    path: Path, headers: Sequence[StreamHeader], *, dtype: str, channels: int, sample_rate_hz: int
) -> np.ndarray:
    """The first ``len(headers)`` audio streams as one array (stream, channel, sample), in one run of ffmpeg.

    dtype: ``"<i2"`` gives what musdb and stempeg give with ``s16le``, ``"<f4"`` floats in [-1, 1].
    channels: of the result; a stream of one channel fills all, any other number must be equal.
    sample_rate_hz: of the result; ffmpeg resamples streams of another rate.

    The array may be a view of a slightly longer one. Raises :class:`UserError` if ffmpeg fails or complains, a
    stream is shorter than its header says, or the streams differ in length.
    """
    for header in headers:
        if header.channels not in (1, channels):
            raise UserError(f"{path} has a stream of {header.channels} channels: mono or stereo was expected.")
    longest = max(header.seconds or 1.0 for header in headers)
    sink = _Sink(headers, np.dtype(dtype), channels, round((longest + LENGTH_TOLERANCE_SECONDS) * sample_rate_hz))
    check_messages(path, *_run(path, sink, sample_rate_hz))
    _check_lengths(path, headers, [filled / sample_rate_hz for filled in sink.filled])
    return sink.store[:, :, : min(sink.filled)]


def _check_lengths(path: Path, headers: Sequence[StreamHeader], decoded_seconds: Sequence[float]) -> None:
    for header, seconds in zip(headers, decoded_seconds, strict=True):
        check_length(path, header, seconds)
    if max(decoded_seconds) - min(decoded_seconds) > LENGTH_TOLERANCE_SECONDS:
        lengths = ", ".join(f"{seconds:.2f}" for seconds in decoded_seconds)
        raise UserError(f"{path} has streams of different lengths ({lengths} s): all must be equally long.")


def check_length(path: Path, header: StreamHeader, decoded_seconds: float) -> None:
    """Raise :class:`UserError` for a stream that is empty, or shorter than its header says."""
    if decoded_seconds == 0 or decoded_seconds < (header.seconds or 0.0) - LENGTH_TOLERANCE_SECONDS:
        raise UserError(
            f"{path} is cut short: it holds {decoded_seconds:.2f} s of the {header.seconds or 0:.2f} s that its header "
            "promises; copy or download it again."
        )


class _Sink:
    """One array for all streams, filled plane by plane from interleaved bytes as they come."""

    def __init__(self, headers: Sequence[StreamHeader], dtype: np.dtype[Any], channels: int, capacity: int) -> None:
        self.store = np.empty((len(headers), channels, capacity), dtype)
        self.filled = [0] * len(headers)
        self.channels = [header.channels for header in headers]
        self._rest = [b""] * len(headers)
        self._buffer = bytearray(_PIPE_BYTES)

    def read(self, stream: int, pipe: int) -> bool:
        """Take what a stream's pipe has; whether there was any."""
        rest = self._rest[stream]
        self._buffer[: len(rest)] = rest
        size = os.readv(pipe, [memoryview(self._buffer)[len(rest) :]])
        width = self.channels[stream] * self.store.itemsize
        whole, end = (len(rest) + size) // width, len(rest) + size
        self._rest[stream] = bytes(self._buffer[whole * width : end])
        self._put(stream, np.frombuffer(self._buffer, self.store.dtype, whole * self.channels[stream]))
        return size > 0

    def _put(self, stream: int, interleaved: np.ndarray) -> None:
        block = interleaved.reshape(-1, self.channels[stream])
        start, end = self.filled[stream], self.filled[stream] + len(block)
        while end > self.store.shape[2]:  # only where a header promises too little, or nothing
            self.store = np.concatenate([self.store, np.empty_like(self.store)], axis=2)
        self.store[stream, :, start:end] = block.T
        self.filled[stream] = end


def _run(path: Path, sink: _Sink, sample_rate_hz: int) -> tuple[bytes, int]:
    """Decode into ``sink``; returns what was said, and ffmpeg's exit status."""
    pipes = [_wide_pipe() for _ in sink.filled]
    command = ["ffmpeg", "-nostdin", "-v", LOG_LEVEL, "-xerror", "-i", str(path.absolute())]
    for stream, (_, write_end) in enumerate(pipes):
        command += ["-map", f"0:a:{stream}", "-ac", str(sink.channels[stream]), "-ar", str(sample_rate_hz)]
        command += ["-f", _FORMATS[sink.store.dtype], f"pipe:{write_end}"]
    try:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, pass_fds=[write_end for _, write_end in pipes])
    except BaseException:
        for read_end, _ in pipes:
            os.close(read_end)
        raise
    finally:
        for _, write_end in pipes:  # ffmpeg has its own copies; a pipe ends when the last one closes
            os.close(write_end)
    with process:
        try:
            messages = _pump(process, [read_end for read_end, _ in pipes], sink)
        except BaseException:
            process.kill()
            raise
    return messages, process.returncode


def _wide_pipe() -> tuple[int, int]:
    """A pipe that holds as much as the system gives: the fewer the hand-overs, the less both sides wait."""
    read_end, write_end = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # a user's share of pipe memory may be spent
            fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return read_end, write_end


def _pump(process: "subprocess.Popen[bytes]", read_ends: Sequence[int], sink: _Sink) -> bytes:
    """Drain all pipes at once (ffmpeg writes them in turn, and stops while one is full); returns the messages."""
    assert process.stderr is not None
    messages = b""
    with selectors.DefaultSelector() as selector:
        for stream, read_end in enumerate(read_ends):
            selector.register(read_end, selectors.EVENT_READ, stream)
        selector.register(process.stderr, selectors.EVENT_READ, None)
        try:
            while selector.get_map():
                time.sleep(_PATIENCE_SECONDS)
                for key, _ in selector.select():
                    if key.data is None:
                        said = os.read(key.fd, _PIPE_BYTES)
                        messages, more = messages + said, bool(said)
                    else:
                        more = sink.read(key.data, key.fd)
                    if not more:
                        selector.unregister(key.fd)
        finally:
            for read_end in read_ends:
                os.close(read_end)
    return messages


def check_messages(path: Path, messages: bytes, status: int) -> None:
    """Raise :class:`UserError` if ffmpeg, run with :data:`LOG_LEVEL`, failed or complained, quoting its first fault.

    Other lines are no fault of the file: the system's linker and the libraries of ffmpeg speak there, too.
    """
    faults = b"\n".join(line for line in messages.splitlines() if _FAULT.search(line))
    if status != 0 or faults:
        raise damaged(path, faults or messages, 0)  # what comes after the first is mostly its echo


def damaged(path: Path, messages: bytes, which: int) -> UserError:
    """The error for a file that ffmpeg cannot read, quoting one line of what it said."""
    lines = messages.decode(errors="replace").strip().splitlines() or ["no message"]
    said = re.sub(r"^(\[[^]]*\] )+", "", lines[which]).removeprefix(f"{path.absolute()}: ").rstrip(".")
    return UserError(
        f"{path} cannot be decoded (ffmpeg: {said}): it is not audio, damaged or cut short; copy or download it again."
    )
