"""One file of a track, of any format, as int16 at 44.1 kHz, and what was noticed on the way."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.ffmpeg import decode
from sepmodels.audio.ffmpeg_complaints import LOG_LEVEL
from sepmodels.audio.io import decode_int16
from sepmodels.audio.pcm import SIXTEEN_BITS_SUFFICE, SndFile, open_compressed, open_pcm
from sepmodels.audio.probing import StreamHeader, damaged, probe, require_ffmpeg, require_file
from sepmodels.audio.sample_values import require_numbers
from sepmodels.errors import UserError

_SCALE = 32_768


@dataclass(frozen=True)
class StemFile:
    """A decoded file.

    samples: int16 (2, sample) at 44.1 kHz; one channel fills both. mono: whether there was but one.
    sample_rate_hz: of the file. lead_seconds: from its container's begin to the sound's.
    peak: the largest absolute sample, where full scale is 1; what is beyond was cut down to it.
    """

    samples: np.ndarray
    mono: bool
    sample_rate_hz: int
    lead_seconds: float = 0.0
    peak: float = 0.0


def read_stem(path: Path) -> StemFile:
    """Decode a file; raises :class:`UserError`, naming it, for what is no sound, damaged or no number."""
    require_file(path)
    if file := open_pcm(path):
        return _by_sndfile(path, file)
    try:
        header = probe(path)[0]
    except UserError:
        if file := open_compressed(path):
            return _by_sndfile(path, file)
        raise
    return _by_ffmpeg(path, header)


def _by_sndfile(path: Path, file: SndFile) -> StemFile:
    try:
        if file.channels > 2:
            raise UserError(f"{path} has a stream of {file.channels} channels: mono or stereo was expected.")
        if file.subtype in SIXTEEN_BITS_SUFFICE and file.sample_rate_hz == SAMPLE_RATE_HZ:
            return _stem(file.read(dtype="int16"), file.sample_rate_hz, path)
        waveform = file.read()
    finally:
        file.close()
    require_numbers(waveform, path, 0, file.sample_rate_hz)
    if file.sample_rate_hz != SAMPLE_RATE_HZ and waveform.size:
        waveform = _resampled(path, waveform, file.sample_rate_hz)
    return _from_floats(waveform, file.sample_rate_hz, path)


def _by_ffmpeg(path: Path, header: StreamHeader) -> StemFile:
    if not header.may_hold_any_float:
        decoded = decode_int16(path, (header,))[0]
        return StemFile(decoded, header.channels == 1, header.sample_rate_hz, header.lead_seconds)
    waveform = decode(path, (header,), dtype="<f4", channels=2, sample_rate_hz=SAMPLE_RATE_HZ)[0]
    require_numbers(waveform, path, 0, SAMPLE_RATE_HZ)
    if header.channels == 1:
        waveform = waveform[:1]
    return _from_floats(waveform, header.sample_rate_hz, path, header.lead_seconds)


def _from_floats(waveform: np.ndarray, sample_rate_hz: int, path: Path, lead_seconds: float = 0.0) -> StemFile:
    """As ffmpeg makes integers of floats: rounded, and cut down to full scale."""
    samples = np.rint(waveform * np.float32(_SCALE)).clip(-_SCALE, _SCALE - 1).astype(np.int16)
    return _stem(samples, sample_rate_hz, path, lead_seconds, float(np.abs(waveform).max(initial=0.0)))


def _stem(
    samples: np.ndarray, sample_rate_hz: int, path: Path, lead_seconds: float = 0.0, peak: float = 0.0
) -> StemFile:
    if samples.shape[1] == 0:
        raise UserError(f"{path} has no samples: export or copy it again.")
    stereo = samples if len(samples) == 2 else np.repeat(samples, 2, axis=0)
    return StemFile(stereo, len(samples) == 1, sample_rate_hz, lead_seconds, peak)


def _resampled(path: Path, waveform: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Float32 (channel, sample) at 44.1 kHz, by ffmpeg, as files that it reads are."""
    require_ffmpeg()
    shape = ["-f", "f32le", "-ac", str(len(waveform))]
    command = ["ffmpeg", "-v", LOG_LEVEL, *shape, "-ar", str(sample_rate_hz), "-i", "-", "-ar", str(SAMPLE_RATE_HZ)]
    content = np.ascontiguousarray(waveform.T, "<f4").tobytes()
    done = subprocess.run([*command, "-f", "f32le", "-"], input=content, capture_output=True, check=False)
    if done.returncode != 0:
        raise damaged(path, done.stderr, done.returncode, -1)
    return np.frombuffer(done.stdout, "<f4").reshape(-1, len(waveform)).T
