"""Audio files in, arrays out, and back.

Waveforms are (channel, sample): float32 in [-1, 1] for songs and estimates, int16 for datasets, as musdb
decodes them (a stem's silence is then exactly 0, which museval's rule for silent windows rests on).
"""

from pathlib import Path

import numpy as np

from sepmodels.audio import SAMPLE_RATE_HZ, STREAMS
from sepmodels.audio.ffmpeg import decode
from sepmodels.audio.probing import StreamHeader, probe
from sepmodels.audio.recordings import open_recording
from sepmodels.audio.timeless import leave_time_out
from sepmodels.errors import UserError
from sepmodels.files import replacing

_SUBTYPES = {".wav": "FLOAT", ".flac": "PCM_24"}
_PIECE_SAMPLES = 1 << 20


def stem_file_headers(path: Path) -> tuple[StreamHeader, ...]:
    """The five headers of a stem file; raises :class:`UserError` for any other number of audio streams."""
    headers = probe(path)
    if len(headers) != len(STREAMS):
        raise UserError(
            f"{path} has {len(headers)} audio streams where five were expected ({', '.join(STREAMS)}): "
            "write it again as a stem file, for instance with stempeg."
        )
    return headers


def decode_int16(path: Path, headers: tuple[StreamHeader, ...]) -> np.ndarray:
    """All streams that ``headers`` tells of, as int16 (stream, 2, sample) at 44.1 kHz."""
    return decode(path, headers, dtype="<i2", channels=2, sample_rate_hz=SAMPLE_RATE_HZ)


def read_audio(path: Path) -> tuple[np.ndarray, int]:
    """A song as float32 (channel, sample) in its own channels, and its sample rate in Hz.

    Raises :class:`UserError` for what is missing, empty, a folder, not audio, damaged or cut short, and for samples
    that are no numbers.
    """
    with open_recording(path) as recording:
        pieces = [recording.read(_PIECE_SAMPLES)]
        while pieces[-1].shape[1] == _PIECE_SAMPLES:
            pieces.append(recording.read(_PIECE_SAMPLES))
    waveform = np.concatenate(pieces, axis=1)
    if waveform.shape[1] == 0:
        raise UserError(f"{path} has no samples: export or download it again.")
    return waveform, recording.sample_rate_hz


def write_audio(path: Path, waveform: np.ndarray, sample_rate_hz: int) -> None:
    """Write (channel, sample) floats as 32-bit float WAV or 24-bit FLAC, by the path's suffix; whole or not at all.

    Float WAV keeps values beyond [-1, 1]. Raises :class:`UserError` for another suffix, and for values that
    FLAC, which has no room beyond [-1, 1], would clip.
    """
    import soundfile

    subtype = _SUBTYPES.get(path.suffix.lower())
    if subtype is None:
        raise UserError(f"{path} cannot be written: the name must end in .wav or .flac.")
    peak = np.abs(waveform).max(initial=0.0)
    if subtype == "PCM_24" and not peak <= 1.0:
        raise UserError(f"{path} would clip (peak {peak:.3f}, FLAC ends at 1): write it as .wav, which keeps it.")
    samples = waveform.astype(np.float32, copy=False).T
    with (
        replacing(path) as temporary,
        soundfile.SoundFile(temporary, "w", sample_rate_hz, waveform.shape[0], subtype) as file,
    ):
        leave_time_out(file)
        file.write(samples)
