"""The stems of a song, from file to files: any length in bounded memory, all whole or none at all."""

import itertools
import os
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sepmodels.audio import REST
from sepmodels.audio.probing import FFMPEG_TAGS, require_ffmpeg
from sepmodels.audio.recordings import Recording, open_recording
from sepmodels.audio.timeless import leave_time_out
from sepmodels.errors import UserError, unknown_name
from sepmodels.files import replacing
from sepmodels.progress import Progress, silent
from sepmodels.separation.separate import separate_blocks
from sepmodels.settings import SeparationSettings

SUBTYPES: dict[str, dict[int | None, str]] = {
    "wav": {32: "FLOAT", 24: "PCM_24", 16: "PCM_16"},
    "flac": {24: "PCM_24", 16: "PCM_16"},
    "mp3": {None: "MPEG_LAYER_III"},
}
MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_WAV_BYTES = 4_000_000_000  # what a WAV's 32-bit sizes can tell, with room for its header; beyond, RF64


def _flac_has(sample_rate_hz: int) -> bool:
    """FLAC's frames tell any rate up to 65,535 Hz, and above it tens of Hz, or thousands up to 255."""
    if sample_rate_hz <= 65_535:
        return True
    return sample_rate_hz <= 655_350 and sample_rate_hz % 10 == 0


@dataclass(frozen=True)
class StemFormat:
    """How stems are written: "wav", "flac" or "mp3", and the bits of a sample; 32 are floats.

    bits: None for as many as the format has, and for MP3, which has none.

    Raises :class:`UserError` for formats and bits that do not go together.
    """

    name: str = "wav"
    bits: int | None = None

    def __post_init__(self) -> None:
        if self.name not in SUBTYPES:
            raise unknown_name("format", self.name, SUBTYPES)
        if self.bits is not None and self.bits not in SUBTYPES[self.name]:
            able = [str(bits) for bits in SUBTYPES[self.name] if bits]
            has = f"has {' or '.join(able)} bits" if able else "has no number of bits"
            raise UserError(f"{self.name} {has}, not {self.bits}: choose another number or another format.")

    @property
    def subtype(self) -> str:
        """libsndfile's name of the encoding."""
        able = SUBTYPES[self.name]
        return able[self.bits if self.bits in able else next(iter(able))]

    @property
    def clips(self) -> bool:
        """Whether it has no room for samples beyond [-1, 1]."""
        return self.subtype != "FLOAT"

    def require_rate(self, sample_rate_hz: int) -> None:
        """Raise :class:`UserError` for a sample rate that the format does not have."""
        if self.name == "mp3" and sample_rate_hz not in MP3_RATES_HZ:
            raise UserError(f"MP3 has no sample rate of {sample_rate_hz} Hz: write wav or flac.")
        if self.name == "flac" and not _flac_has(sample_rate_hz):
            raise UserError(
                f"FLAC has no sample rate of {sample_rate_hz} Hz: write wav (--format wav), or resample it."
            )


@dataclass(frozen=True)
class Written:
    """What :func:`separate_file` did.

    audio_seconds: the song's length. peaks: the largest absolute sample of each stem. clipped: how many samples of
    each were beyond full scale and were cut down to it.
    """

    audio_seconds: float
    peaks: Mapping[str, float]
    clipped: Mapping[str, int]


def separate_file(
    model: nn.Module,
    song: Path,
    stems: Mapping[str, Path],
    settings: SeparationSettings,
    *,
    form: StemFormat = StemFormat(),
    wiener_iterations: int = 0,
    device: str | torch.device = "cpu",
    progress: Progress = silent,
) -> Written:
    """Separate the song in a file, and write the stems asked for, in the song's sample rate, channels and tags.

    stems: the file of each: of what the model separates, by its name, and of the accompaniment, which is the song
        minus that.

    Raises :class:`UserError` for a song that cannot be read or separated, or of a rate that the format has not, and
    for stems that cannot be written; then there is none of them.
    """

    def target_of(recording: Recording) -> Iterator[np.ndarray]:
        return separate_blocks(
            model, recording, settings, wiener_iterations=wiener_iterations, device=device, progress=progress
        )

    return write_stems(target_of, song, stems, form=form)


def write_stems(
    target_of: Callable[[Recording], Iterator[np.ndarray]],
    song: Path,
    stems: Mapping[str, Path],
    *,
    form: StemFormat = StemFormat(),
) -> Written:
    """Write the stems of a song whose target, such as its vocals, ``target_of`` gives, in blocks ``(channel, sample)``.

    Raises :class:`UserError` as :func:`separate_file` does.
    """
    with _told(stems), open_recording(song) as recording, ExitStack() as open_files:
        form.require_rate(recording.sample_rate_hz)
        mixture = _Remembered(recording)
        files = {name: open_files.enter_context(_stem_file(path, form, recording)) for name, path in stems.items()}
        samples = 0
        for target in target_of(mixture):
            song_block = mixture.take(target.shape[1])
            samples += target.shape[1]
            for name, file in files.items():
                file.write(song_block - target if name == REST else target)
        if samples == 0:
            raise UserError(f"{song} has no samples: there is nothing to separate.")
    return Written(
        samples / recording.sample_rate_hz,
        {name: file.peak for name, file in files.items()},
        {name: file.clipped for name, file in files.items()},
    )


@contextmanager
def _told(stems: Mapping[str, Path]) -> Iterator[None]:
    """Tell in a sentence why stems could not be written; what is wrong with the song is told already."""
    import soundfile

    try:
        yield
    except (OSError, soundfile.LibsndfileError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "is the disk full?"
        places = " and ".join(str(path) for path in stems.values())
        raise UserError(f"{places} cannot be written ({reason}): make room, or choose another folder.") from error


class _Remembered:
    """A recording whose pieces can be had once more, in order."""

    def __init__(self, recording: Recording) -> None:
        self.channels = recording.channels
        self.sample_rate_hz = recording.sample_rate_hz
        self.expected_samples = recording.expected_samples
        self.tags = recording.tags
        self._recording = recording
        self._pieces: deque[np.ndarray] = deque()

    def read(self, samples: int) -> np.ndarray:
        piece = self._recording.read(samples)
        self._pieces.append(piece)
        return piece

    def take(self, samples: int) -> np.ndarray:
        """The next ``(channel, samples)`` of what was read."""
        parts = []
        while samples > 0:
            piece = self._pieces.popleft()
            parts.append(piece[:, :samples])
            if piece.shape[1] > samples:
                self._pieces.appendleft(piece[:, samples:])
            samples -= parts[-1].shape[1]
        return np.concatenate(parts, axis=1) if parts else np.empty((self.channels, 0), np.float32)


class _StemFile:
    """A file of one stem that is being written."""

    def __init__(self, file: Any, form: StemFormat) -> None:
        self._file = file
        self._form = form
        self._most_samples = _WAV_BYTES // (file.channels * (form.bits or 32) // 8) if file.format == "WAV" else None
        self._samples = 0
        self.peak = 0.0
        self.clipped = 0

    def write(self, block: np.ndarray) -> None:
        """Write ``(channel, sample)``; raises UserError past the end of what a WAV file can tell of."""
        self._samples += block.shape[1]
        if self._most_samples is not None and self._samples > self._most_samples:
            raise UserError(
                "The song does not tell its length, and is longer than a WAV file can be: choose --format flac."
            )
        self.peak = max(self.peak, float(np.abs(block).max(initial=0.0)))
        if self._form.clips:
            self.clipped += int(np.count_nonzero(np.abs(block) > 1))
            block = block.clip(-1, 1)
        self._file.write(block.T)


@contextmanager
def _stem_file(path: Path, form: StemFormat, recording: Recording) -> Iterator[_StemFile]:
    import soundfile

    size = recording.expected_samples * recording.channels * (form.bits or 32) // 8
    container = "RF64" if form.name == "wav" and size > _WAV_BYTES else form.name.upper()
    quality = {"compression_level": 0.0, "bitrate_mode": "VARIABLE"} if form.name == "mp3" else {}
    with replacing(path) as temporary:
        with soundfile.SoundFile(
            os.fsencode(temporary),  # names need not be UTF-8
            "w",
            samplerate=recording.sample_rate_hz,
            channels=recording.channels,
            format=container,
            subtype=form.subtype,
            **quality,
        ) as file:
            leave_time_out(file)
            for name, text in recording.tags.items() if form.name != "mp3" else ():
                setattr(file, name, text)
            yield _StemFile(file, form)
        if form.name == "mp3" and recording.tags:
            _tag_mp3(temporary, recording.tags)


def _tag_mp3(path: Path, tags: Mapping[str, str]) -> None:
    """Write the tags of an MP3 by ffmpeg, its frames untouched: libsndfile writes UTF-8 where Latin-1 is announced."""
    require_ffmpeg()
    tagged = path.with_name(f"{path.name}.tagged")
    given = (("-metadata", f"{FFMPEG_TAGS.get(name, name)}={text}") for name, text in tags.items())
    options = ["-map", "0", "-c", "copy", "-id3v2_version", "3", *itertools.chain.from_iterable(given), "-f", "mp3"]
    try:
        command = ["ffmpeg", "-nostdin", "-y", "-v", "error", "-i", str(path.absolute()), *options]
        command.append(str(tagged.absolute()))
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise OSError(done.returncode, done.stderr.decode(errors="replace").strip() or "ffmpeg failed")
        tagged.replace(path)
    finally:
        tagged.unlink(missing_ok=True)
