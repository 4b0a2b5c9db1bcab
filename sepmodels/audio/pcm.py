"""Uncompressed sound by libsndfile: WAV, RF64, W64, AIFF, CAF and AU, known by their content whatever their name.

libsndfile reads as many samples as it thinks there are. That is compared with the bytes that are there
(:mod:`sepmodels.audio.containers`); where it would read too little, it is given the bytes alone.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from sepmodels.audio.containers import SoundChunk, Window, find_sound_chunk
from sepmodels.audio.ffmpeg_complaints import LENGTH_TOLERANCE_SECONDS, cut_short
from sepmodels.audio.probing import TAGS
from sepmodels.errors import UserError

_WIDTHS = {"PCM_S8": 1, "PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}
_WIDTHS |= {"ULAW": 1, "ALAW": 1}
_LITTLE = {"WAV": "LITTLE", "WAVEX": "LITTLE", "RF64": "LITTLE", "W64": "LITTLE"}
_BIG = {"AIFF": "BIG", "AU": "BIG", "CAF": "BIG"}
_ORDERS = _LITTLE | _BIG
SIXTEEN_BITS_SUFFICE = ("PCM_16", "PCM_S8", "PCM_U8", "ULAW", "ALAW")


class SndFile:
    """A file that libsndfile reads. samples: as many as it has, or as its header promises."""

    def __init__(self, path: Path, file: Any, samples: int, window: Window | None = None) -> None:
        self.path = path
        self.samples = samples
        self.channels: int = file.channels
        self.sample_rate_hz: int = file.samplerate
        self.subtype: str = file.subtype
        self.tags = {name: text for name, text in file.copy_metadata().items() if name in TAGS and text}
        self._file, self._window = file, window
        self._read = 0

    def read(self, samples: int = -1, dtype: str = "float32") -> np.ndarray:
        """The next ``(channel, samples)``, fewer only at the end; raises :class:`UserError` for what is damaged."""
        import soundfile

        try:
            piece = self._file.read(samples, dtype=dtype, always_2d=True)
        except soundfile.LibsndfileError as error:
            raise UserError(
                f"{self.path} cannot be decoded ({error.error_string}): it is damaged or cut short; export or download "
                "it again."
            ) from None
        self._read += len(piece)
        if (samples < 0 or len(piece) < samples) and self._read < self.samples - self._tolerance():
            raise cut_short(self.path, self._read / self.sample_rate_hz, self.samples / self.sample_rate_hz)
        return np.ascontiguousarray(piece.T)

    def _tolerance(self) -> float:
        return LENGTH_TOLERANCE_SECONDS * self.sample_rate_hz

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._window is not None:
            self._window.close()


def open_pcm(path: Path) -> SndFile | None:
    """The file, if its samples are uncompressed; raises :class:`UserError` for one that is cut short or has none."""
    chunk = find_sound_chunk(path)
    file = _opened(path) if chunk is not None else None
    if chunk is None or file is None:
        return None
    if file.format not in _ORDERS or file.subtype not in _WIDTHS:
        file.close()
        return None
    width = _WIDTHS[file.subtype] * file.channels
    samples = chunk.size // width
    if chunk.missing / width > LENGTH_TOLERANCE_SECONDS * file.samplerate:
        file.close()
        promised = samples + chunk.missing // width
        raise cut_short(path, samples / file.samplerate, promised / file.samplerate)
    if samples > file.frames:
        return _reopened(path, chunk, file, samples)
    return SndFile(path, file, samples)


def open_compressed(path: Path) -> SndFile | None:
    """A FLAC or Ogg file, if libsndfile can open it: some have pictures or tags that ffmpeg refuses."""
    with path.open("rb") as begin:
        if begin.read(4) not in (b"fLaC", b"OggS"):
            return None
    file = _opened(path)
    if file is None or file.frames >= 1 << 62:  # which is "unknown"
        return None
    return SndFile(path, file, file.frames)


def _opened(path: Path) -> Any:
    import soundfile

    try:
        return soundfile.SoundFile(os.fsencode(path))  # names need not be UTF-8
    except soundfile.LibsndfileError:
        return None


def _reopened(path: Path, chunk: SoundChunk, file: Any, samples: int) -> SndFile:
    """The same samples, to the end of the chunk."""
    import soundfile

    order = _ORDERS[file.format] if file.endian in ("FILE", "CPU") else file.endian
    shape = {"samplerate": file.samplerate, "channels": file.channels, "subtype": file.subtype, "endian": order}
    file.close()
    window = Window(path, chunk.offset, chunk.size)
    return SndFile(path, soundfile.SoundFile(window, "r", format="RAW", **shape), samples, window)
