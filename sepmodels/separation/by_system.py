"""Songs separated by systems that are not trained here: by a program, a function, a published or a classical method."""

from collections.abc import Callable, Iterator

import numpy as np

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.recordings import Recording
from sepmodels.audio.resampling import resample
from sepmodels.errors import UserError
from sepmodels.systems.added import Separate

_PIECE_SAMPLES = 1 << 20


def vocals_by(separate: Separate, song: str) -> Callable[[Recording], Iterator[np.ndarray]]:
    """What gives the vocals of a recording of any rate, mono or stereo, in its own form, as a system hears them.

    Such a system is given the whole song at 44.1 kHz in stereo, so the song has to fit into memory.

    Raises UserError for more than two channels, and what the system raises.
    """

    def vocals_of(recording: Recording) -> Iterator[np.ndarray]:
        waveform = _read_all(recording)
        if len(waveform) > 2:
            raise UserError(f"The recording has {len(waveform)} channels: mix it down to stereo or mono first.")
        if not waveform.shape[1]:
            return
        stereo = np.repeat(waveform, 2, axis=0) if len(waveform) == 1 else waveform
        vocals = separate(song, resample(stereo, recording.sample_rate_hz, SAMPLE_RATE_HZ)).vocals
        back = resample(vocals, SAMPLE_RATE_HZ, recording.sample_rate_hz)[:, : waveform.shape[1]]
        back = np.pad(back, ((0, 0), (0, waveform.shape[1] - back.shape[1])))
        yield back.mean(axis=0, keepdims=True) if len(waveform) == 1 else back

    return vocals_of


def _read_all(recording: Recording) -> np.ndarray:
    pieces = [recording.read(_PIECE_SAMPLES)]
    while pieces[-1].shape[1] == _PIECE_SAMPLES:
        pieces.append(recording.read(_PIECE_SAMPLES))
    return np.concatenate(pieces, axis=1)
