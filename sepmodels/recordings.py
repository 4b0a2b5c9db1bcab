"""Recordings that are read from begin to end, a piece at a time, so that none need be in memory as a whole."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sepmodels.audio import SNDFILE_SUFFIXES, wav_is_cut
from sepmodels.codec import LOG_LEVEL, StreamHeader, check_length, check_messages, probe, require_ffmpeg, require_file
from sepmodels.errors import UserError

TAGS = ("title", "artist", "album", "tracknumber", "date", "genre", "comment", "copyright", "license")
_OUR_TAGS = {"track": "tracknumber"}
FFMPEG_TAGS = {ours: theirs for theirs, ours in _OUR_TAGS.items()}
_UNKNOWN_FRAMES = 2**62  # libsndfile's largest count, or near it
_GUESSED = b"Estimating duration from bitrate"


class Recording(Protocol):
    """A mixture that is read once, forwards.

    expected_samples: as many as its header promises, for the progress that is shown; 0 where that is unknown.
    tags: title, artist and the like, by the names of :data:`TAGS`.
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
    """The recording in an audio file: WAV, FLAC, Ogg, AIFF and MP3 by libsndfile, whatever else by ffmpeg.

    By ffmpeg too what libsndfile cannot open, or does not know the length of, and would read too little.

    Raises :class:`UserError` at once for what is missing, empty, a folder or not audio; and when its end is read,
    for what is damaged or cut short.
    """
    require_file(path)
    facts: _Facts | None = None
    if path.suffix.lower() in SNDFILE_SUFFIXES and (file := _opened(path)):
        if file.format != "MP3" or not (facts := _facts_of(path)).length_is_guessed:
            with _SndfileRecording(path, file) as recording:
                yield recording
            return
        file.close()
    with _FfmpegRecording(path, probe(path)[0], facts or _facts_of(path)) as recording:
        yield recording


def _opened(path: Path) -> Any:
    """The file opened by libsndfile, if it can and knows the length: a FLAC that came through a pipe tells none."""
    import soundfile

    try:
        file = soundfile.SoundFile(os.fsencode(path))  # names need not be UTF-8
    except soundfile.LibsndfileError:
        return None
    if file.frames >= _UNKNOWN_FRAMES:
        file.close()
        return None
    return file


class _SndfileRecording:
    def __init__(self, path: Path, file: Any) -> None:
        import soundfile

        self._path = path
        self._file = file
        self._fault = soundfile.LibsndfileError
        self.channels = self._file.channels
        self.sample_rate_hz = self._file.samplerate
        self.expected_samples = self._file.frames
        self.tags = {name: text for name, text in self._file.copy_metadata().items() if name in TAGS and text}
        self._read = 0

    def __enter__(self) -> "_SndfileRecording":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, samples: int) -> np.ndarray:
        try:
            piece = self._file.read(samples, dtype="float32", always_2d=True)
        except self._fault as error:
            raise self._damaged(error) from None
        self._read += len(piece)
        if len(piece) < samples and (self._read < self.expected_samples or wav_is_cut(self._file.extra_info)):
            raise UserError(f"{self._path} is cut short: export or download it again.")
        return np.ascontiguousarray(piece.T)

    def _damaged(self, error: Any) -> UserError:
        return UserError(
            f"{self._path} cannot be read as audio ({error.error_string}): it is not audio, damaged or cut short; "
            "export or download it again."
        )


class _FfmpegRecording:
    def __init__(self, path: Path, header: StreamHeader, facts: "_Facts") -> None:
        self._path = path
        self._header = replace(header, seconds=None) if facts.length_is_guessed else header
        self.channels = header.channels
        self.sample_rate_hz = header.sample_rate_hz
        self.expected_samples = round((header.seconds or 0.0) * header.sample_rate_hz)
        self.tags = facts.tags
        self._read = 0

    def __enter__(self) -> "_FfmpegRecording":
        self._messages = tempfile.TemporaryFile()
        command = ["ffmpeg", "-nostdin", "-v", LOG_LEVEL, "-xerror", "-i", str(self._path.absolute())]
        command += ["-map", "0:a:0", "-ac", str(self.channels), "-ar", str(self.sample_rate_hz), "-f", "f32le", "-"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._messages)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._messages.close()

    def read(self, samples: int) -> np.ndarray:
        assert self._process.stdout is not None
        width = 4 * self.channels
        content = self._process.stdout.read(samples * width)
        piece = np.frombuffer(content, "<f4", len(content) // width * self.channels).reshape(-1, self.channels)
        self._read += len(piece)
        if len(piece) < samples:
            self._check_end()
        return np.ascontiguousarray(piece.T)

    def _check_end(self) -> None:
        status = self._process.wait()
        self._messages.seek(0)
        check_messages(self._path, self._messages.read(), status)
        check_length(self._path, self._header, self._read / self.sample_rate_hz)


@dataclass(frozen=True)
class _Facts:
    """What ffprobe tells of a file.

    tags: of the file, or of its first audio stream (where Ogg and Opus have them). length_is_guessed: from the first
    frames' bit rate, because nothing in the file tells it, as in MP3 without a Xing header and in raw AAC.
    """

    tags: dict[str, str]
    length_is_guessed: bool


def _facts_of(path: Path) -> _Facts:
    require_ffmpeg()
    wanted = ["-show_entries", "format_tags:stream_tags", "-select_streams", "a:0", "-of", "json"]
    command = ["ffprobe", "-v", "warning", *wanted, str(path.absolute())]
    done = subprocess.run(command, capture_output=True, check=False)
    found = json.loads(done.stdout or "{}")
    spoken = [*(stream.get("tags", {}) for stream in found.get("streams", [])), found.get("format", {}).get("tags", {})]
    tags = {name.lower(): text for part in spoken for name, text in part.items()}
    named = {_OUR_TAGS.get(name, name): text for name, text in tags.items()}
    return _Facts({name: text for name, text in named.items() if name in TAGS and text}, _GUESSED in done.stderr)
