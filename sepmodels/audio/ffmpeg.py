"""Decoding by ffmpeg: every stream of a file in one run, checked for exit status, messages and length.

stempeg reads stream by stem, each in a run of its own, and ignores how the run ended, so that a damaged file
comes back shorter without a word. Here one run feeds all streams, through a pipe each, into one array.
"""

import contextlib
import fcntl
import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sepmodels.audio.ffmpeg_complaints import LENGTH_TOLERANCE_SECONDS, LOG_LEVEL, check_sound
from sepmodels.audio.probing import StreamHeader
from sepmodels.errors import UserError
from sepmodels.marks import SpeedOnly

_PIPE_BYTES: SpeedOnly[int] = 1 << 20
# ffmpeg writes a few kilobytes at a time; to wake up for each would cost more than the decoding.
_PATIENCE_SECONDS: SpeedOnly[float] = 0.002
_FORMATS = {np.dtype("<i2"): "s16le", np.dtype("<f4"): "f32le"}


def decode(
    path: Path, headers: Sequence[StreamHeader], *, dtype: str, channels: int, sample_rate_hz: int
) -> np.ndarray:
    """The first ``len(headers)`` audio streams as one array (stream, channel, sample), in one run of ffmpeg.

    dtype: ``"<i2"`` gives what musdb and stempeg give with ``s16le``, ``"<f4"`` floats in [-1, 1].
    channels: of the result; a stream of one channel fills all, any other number must be equal.
    sample_rate_hz: of the result; ffmpeg resamples streams of another rate.

    A stream that begins later than the first one has silence before it. The array may be a view of a slightly longer
    one. Raises :class:`UserError` if sound is damaged or missing (:mod:`sepmodels.audio.ffmpeg_complaints`), or the
    streams differ in length.
    """
    for header in headers:
        if header.channels not in (1, channels):
            raise UserError(f"{path} has a stream of {header.channels} channels: mono or stereo was expected.")
    longest = max(header.seconds or 1.0 for header in headers)
    sink = _Sink(headers, np.dtype(dtype), channels, round((longest + LENGTH_TOLERANCE_SECONDS) * sample_rate_hz))
    leads = sink.begin_late([header.lead_seconds for header in headers], sample_rate_hz)
    messages, status = _run(path, sink, sample_rate_hz, headers[0].input_options)
    decoded = [(filled - lead) / sample_rate_hz for filled, lead in zip(sink.filled, leads, strict=True)]
    check_sound(path, messages, status, headers, decoded)
    _require_equal_lengths(path, [filled / sample_rate_hz for filled in sink.filled])
    return sink.store[:, :, : min(sink.filled)]


def _require_equal_lengths(path: Path, seconds: Sequence[float]) -> None:
    if max(seconds) - min(seconds) > LENGTH_TOLERANCE_SECONDS:
        lengths = ", ".join(f"{length:.2f}" for length in seconds)
        raise UserError(f"{path} has streams of different lengths ({lengths} s): all must be equally long.")


class _Sink:
    """One array for all streams, filled plane by plane from interleaved bytes as they come."""

    def __init__(self, headers: Sequence[StreamHeader], dtype: np.dtype[Any], channels: int, capacity: int) -> None:
        self.store = np.empty((len(headers), channels, capacity), dtype)
        self.filled = [0] * len(headers)
        self.channels = [header.channels for header in headers]
        self._rest = [b""] * len(headers)
        self._buffer = bytearray(_PIPE_BYTES)

    def begin_late(self, lead_seconds: Sequence[float], sample_rate_hz: int) -> list[int]:
        """Put silence before streams that begin later than the first one; returns the samples of each."""
        first = min(lead_seconds)
        for stream, seconds in enumerate(lead_seconds):
            silence = round((seconds - first) * sample_rate_hz)
            self._put(stream, np.zeros(silence * self.channels[stream], self.store.dtype))
        return list(self.filled)

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


def _run(path: Path, sink: _Sink, sample_rate_hz: int, options: Sequence[str]) -> tuple[bytes, int]:
    """Decode into ``sink``; returns what was said, and ffmpeg's exit status."""
    pipes = [_wide_pipe() for _ in sink.filled]
    command = ["ffmpeg", "-nostdin", "-v", LOG_LEVEL, *options, "-i", str(path.absolute())]
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
