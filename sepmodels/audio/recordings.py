"""Recordings that are read from begin to end, a piece at a time, so that none need be in memory as a whole."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from sepmodels.audio.ffmpeg_complaints import LOG_LEVEL, check_sound
from sepmodels.audio.pcm import SndFile, open_compressed, open_pcm
from sepmodels.audio.probing import StreamHeader, probe_with_tags, require_file
from sepmodels.audio.sample_values import require_numbers
from sepmodels.errors import UserError


class Recording(Protocol):
    """A mixture that is read once, forwards.

    expected_samples: as many as its header promises, for the progress that is shown; 0 where that is unknown.
    tags: title, artist and the like, by the names of :data:`sepmodels.audio.probing.TAGS`.
    """

    channels: int
    sample_rate_hz: int
    expected_samples: int
    tags: dict[str, str]

    def read(self, samples: int) -> np.ndarray:
        """The next ``(channel, samples)``, float32 in [-1, 1]; fewer only at the end."""


class ArrayRecording:
    """An array ``(channel, sample)``, or what can be cut like one (a memory map), as a recording."""

    def __init__(self, waveform: np.ndarray, sample_rate_hz: int) -> None:
        self.channels, self.expected_samples = waveform.shape
        self.sample_rate_hz = sample_rate_hz
        self.tags: dict[str, str] = {}
        self._waveform = waveform
        self._position = 0

    def read(self, samples: int) -> np.ndarray:
        """The next ``(channel, samples)``."""
        piece = self._waveform[:, self._position : self._position + samples]
        self._position += piece.shape[1]
        return np.asarray(piece, dtype=np.float32)


@contextmanager
def open_recording(path: Path) -> Iterator[Recording]:
    """The recording in an audio file, by its content: what is not compressed by libsndfile, whatever else by ffmpeg.

    Raises :class:`UserError` at once for what is missing, empty, a folder or not audio; and when it comes to that, for
    what is damaged or cut short, and for samples that are no numbers.
    """
    require_file(path)
    with _SndfileRecording(path, file) if (file := open_pcm(path)) else _by_ffmpeg(path) as recording:
        yield recording


def _by_ffmpeg(path: Path) -> "_FfmpegRecording | _SndfileRecording":
    try:
        headers, tags = probe_with_tags(path)
    except UserError:
        if file := open_compressed(path):
            return _SndfileRecording(path, file)
        raise
    return _FfmpegRecording(path, headers[0], tags)


class _SndfileRecording:
    def __init__(self, path: Path, file: SndFile) -> None:
        self._path, self._file = path, file
        self.channels = file.channels
        self.sample_rate_hz = file.sample_rate_hz
        self.expected_samples = file.samples
        self.tags = file.tags
        self._read = 0

    def __enter__(self) -> "_SndfileRecording":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, samples: int) -> np.ndarray:
        piece = self._file.read(samples)
        require_numbers(piece, self._path, self._read, self.sample_rate_hz)
        self._read += piece.shape[1]
        return piece


class _FfmpegRecording:
    def __init__(self, path: Path, header: StreamHeader, tags: dict[str, str]) -> None:
        self._path = path
        self._header = header
        self.channels = header.channels
        self.sample_rate_hz = header.sample_rate_hz
        self.expected_samples = round((header.seconds or 0.0) * header.sample_rate_hz)
        self.tags = tags
        self._silence = round(header.late_seconds * header.sample_rate_hz)  # beside a picture that begins before
        self._read = 0

    def __enter__(self) -> "_FfmpegRecording":
        self._messages = tempfile.TemporaryFile()
        command = ["ffmpeg", "-nostdin", "-v", LOG_LEVEL, *self._header.input_options, "-i", str(self._path.absolute())]
        command += ["-map", "0:a:0", "-ac", str(self.channels), "-ar", str(self.sample_rate_hz), "-f", "f32le", "-"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._messages)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._messages.close()

    def read(self, samples: int) -> np.ndarray:
        silence = min(samples, self._silence)
        self._silence -= silence
        piece = self._decoded(samples - silence)
        require_numbers(piece, self._path, self._read, self.sample_rate_hz)
        self._read += piece.shape[1]
        return np.pad(piece, ((0, 0), (silence, 0))) if silence else piece

    def _decoded(self, samples: int) -> np.ndarray:
        assert self._process.stdout is not None
        width = 4 * self.channels
        content = self._process.stdout.read(samples * width)
        piece = np.frombuffer(content, "<f4", len(content) // width * self.channels).reshape(-1, self.channels)
        if len(piece) < samples:
            self._check_end(self._read + len(piece))
        return np.ascontiguousarray(piece.T)

    def _check_end(self, samples: int) -> None:
        status = self._process.wait()
        self._messages.seek(0)
        decoded_seconds = [samples / self.sample_rate_hz]
        check_sound(self._path, self._messages.read(), status, [self._header], decoded_seconds)
