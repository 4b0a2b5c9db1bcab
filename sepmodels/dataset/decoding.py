"""From a track's files to its five streams: int16 (stem, channel, sample), and what was noticed on the way."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sepmodels.audio import SAMPLE_RATE_HZ, STREAMS
from sepmodels.audio.ffmpeg_complaints import LENGTH_TOLERANCE_SECONDS
from sepmodels.audio.io import decode_int16, stem_file_headers
from sepmodels.dataset.karaoke import channels_of
from sepmodels.dataset.roles import roles_of
from sepmodels.dataset.stem_files import StemFile, read_stem
from sepmodels.dataset.target import change_places
from sepmodels.dataset.track import STEM_SUFFIX, Track
from sepmodels.dataset.voices import sum_voices
from sepmodels.errors import UserError
from sepmodels.files import hash_file, hash_texts
from sepmodels.marks import speed_only
from sepmodels.settings import DatasetSettings, changed

_FULL_SCALE = 32_767
_MOST_PEAK = 1.0001  # what resampling adds to a stem at full scale is no loss
# AAC at 256 kbit/s becomes 5.5 times as large, at 128 kbit/s 11 times.
_MOST_TIMES_LARGER = 12
# Whatever else a track has is part of "other".
_MIXTURE = "mixture"
_OWN_STREAM = frozenset(STREAMS) - {"other"}


@dataclass(frozen=True)
class TrackAudio:
    """A decoded track.

    stems: int16 (5, 2, sample) at 44.1 kHz in the order of :data:`~sepmodels.audio.STREAMS`; the track's target, where
    that is another than the vocals, has changed places with these.
    mono: the files or streams that had one channel, which now fills both.
    sample_rate_hz: of the files; the lowest, where they differ.
    gain: what all stems were multiplied by, below 1 only where a sum of stems would have clipped.
    fitted: the files that were not as long as the song, with the seconds of silence added (+) or cut off (-).
    late: the files whose sound begins later in its container than the other files' do, with the seconds of silence
    that stand for it. loud: the files with samples beyond full scale, which were cut down to it, with their peaks.
    voices: where several files are the voice, what was made of them.
    """

    stems: np.ndarray
    mono: tuple[str, ...]
    sample_rate_hz: int
    gain: float
    fitted: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    loud: tuple[str, ...] = ()
    voices: str = ""


def read_track(track: Track) -> TrackAudio:
    """Decode a track of any layout; raises :class:`UserError`, naming the file, for what cannot be decoded."""
    if changed(track, "target"):
        audio = read_track(replace(track, target="vocals"))
        change_places(audio.stems, track.target)
        return audio
    if changed(track, "voice_channel"):
        return _read_channels(track)
    if changed(track, "mapping"):
        return _read_mapped(track)
    if track.sources[0].name.endswith(STEM_SUFFIX):
        return _read_streams(track.sources[0])
    return _read_files(track)


def _read_streams(path: Path) -> TrackAudio:
    headers = stem_file_headers(path)
    mono = tuple(stem for stem, header in zip(STREAMS, headers, strict=True) if header.channels == 1)
    late = _late({stem: header.lead_seconds for stem, header in zip(STREAMS, headers, strict=True)})
    rate_hz = min(header.sample_rate_hz for header in headers)
    return TrackAudio(decode_int16(path, headers), mono, rate_hz, 1.0, late=_told(late))


def _read_files(track: Track) -> TrackAudio:
    files: dict[str, StemFile] = {source.stem.lower(): read_stem(source) for source in track.sources}
    late = _late({role: file.lead_seconds for role, file in files.items()})
    waveforms = {role: _delayed(file.samples, late.get(role, 0.0)) for role, file in files.items()}
    fitted = _fit_lengths(waveforms)
    voices = [name for name, role in zip(files, roles_in(track), strict=True) if role == "vocals"]
    vocals, voices_told = sum_voices({name: waveforms.pop(name) for name in voices})
    stems, gain = _arrange({**waveforms, "vocals": vocals})
    return TrackAudio(
        stems,
        tuple(role for role, file in files.items() if file.mono),
        min(file.sample_rate_hz for file in files.values()),
        gain,
        fitted,
        _told(late),
        tuple(f"{role} (peak {file.peak:.2f})" for role, file in files.items() if file.peak > _MOST_PEAK),
        voices_told,
    )


def _read_channels(track: Track) -> TrackAudio:
    """A file with the voice on one channel: each fills both channels of its stem, and their sum is the mixture."""
    file = read_stem(track.sources[0])
    stems, gain = _arrange(channels_of(track.sources[0], file, track.voice_channel))
    loud = (f"{track.sources[0].name} (peak {file.peak:.2f})",) if file.peak > _MOST_PEAK else ()
    return TrackAudio(stems, (), file.sample_rate_hz, gain, loud=loud)


def _read_mapped(track: Track) -> TrackAudio:
    """Files whose roles a mapping file tells: those of one role are summed, as several files of the voice are."""
    files = {source: read_stem(source) for source in track.sources}
    common = os.path.commonpath([source.parent for source in track.sources])
    names = {source: source.relative_to(common).as_posix() for source in track.sources}
    late = _late({names[source]: file.lead_seconds for source, file in files.items()})
    waveforms = {
        _MIXTURE if role == _MIXTURE else names[source]: _delayed(files[source].samples, late.get(names[source], 0.0))
        for source, role in zip(track.sources, track.roles, strict=True)
    }
    fitted = _fit_lengths(waveforms)
    by_role: dict[str, dict[str, np.ndarray]] = {}
    for (name, waveform), role in zip(waveforms.items(), track.roles, strict=True):
        by_role.setdefault(role, {})[name] = waveform
    vocals, voices_told = sum_voices(by_role.pop("vocals"))
    shortest = min(waveform.shape[1] for waveform in waveforms.values())
    others = {role: _sum(one[:, :shortest] for one in some.values()) for role, some in by_role.items()}
    stems, gain = _arrange({**others, "vocals": vocals})
    return TrackAudio(
        stems,
        tuple(names[source] for source, file in files.items() if file.mono),
        min(file.sample_rate_hz for file in files.values()),
        gain,
        fitted,
        _told(late),
        tuple(f"{names[source]} (peak {file.peak:.2f})" for source, file in files.items() if file.peak > _MOST_PEAK),
        voices_told,
    )


def roles_in(track: Track) -> tuple[str, ...]:
    """The roles of a track's files; by their names alone, where nobody has told."""
    return track.roles or roles_of(track.sources, DatasetSettings("folder"))


def _late(lead_seconds: dict[str, float]) -> dict[str, float]:
    """By how much the sound of each begins later than the first; only those that do."""
    first = min(lead_seconds.values())
    return {role: seconds - first for role, seconds in lead_seconds.items() if seconds > first}


def _told(late: dict[str, float]) -> tuple[str, ...]:
    return tuple(f"{role} +{seconds:.2f} s" for role, seconds in late.items())


def _delayed(samples: np.ndarray, seconds: float) -> np.ndarray:
    return np.pad(samples, ((0, 0), (round(seconds * SAMPLE_RATE_HZ), 0))) if seconds else samples


def _fit_lengths(waveforms: dict[str, np.ndarray]) -> tuple[str, ...]:
    """Make all as long as the mixture, or as the longest where there is none: programs leave out silence at the end.

    Differences that codecs make are not told: there all are cut to the shortest.
    """
    lengths = {role: waveform.shape[1] for role, waveform in waveforms.items()}
    tolerance = round(LENGTH_TOLERANCE_SECONDS * SAMPLE_RATE_HZ)
    if max(lengths.values()) - min(lengths.values()) <= tolerance:
        return ()
    samples = lengths.get("mixture", max(lengths.values()))
    for role, waveform in waveforms.items():
        cut = waveform[:, :samples]
        waveforms[role] = np.pad(cut, ((0, 0), (0, samples - cut.shape[1])))
    missing = {role: samples - length for role, length in sorted(lengths.items()) if abs(samples - length) > tolerance}
    return tuple(f"{role} {samples / SAMPLE_RATE_HZ:+.2f} s" for role, samples in missing.items())


def _arrange(waveforms: dict[str, np.ndarray]) -> tuple[np.ndarray, float]:
    """Lay files out as the five streams: sum what belongs to ``other``, fill what is missing.

    With vocals and a mixture alone, ``other`` is the mixture without the vocals. Where a sum passes full scale,
    all streams are turned down together, so that they still sum to the mixture.
    """
    samples = min(waveform.shape[1] for waveform in waveforms.values())
    streams = {role: waveforms[role][:, :samples] for role in STREAMS if role in waveforms}
    if set(streams) == {"mixture", "vocals"} == set(waveforms):
        streams["other"] = streams["mixture"] - streams["vocals"].astype(np.int32)
    others = [waveform[:, :samples] for role, waveform in waveforms.items() if role not in _OWN_STREAM]
    if others:
        streams["other"] = _sum(others)
    if "mixture" not in streams:
        streams["mixture"] = _sum(streams.values())
    peak = max(max(int(stream.max()), -int(stream.min()) - 1) for stream in streams.values())
    gain = min(1.0, _FULL_SCALE / max(1, peak))
    stems = np.zeros((len(STREAMS), 2, samples), np.int16)
    for row, role in enumerate(STREAMS):
        if role in streams:
            stems[row] = streams[role] if gain == 1.0 else np.rint(streams[role] * np.float32(gain))
    return stems, gain


def _sum(waveforms: Iterable[np.ndarray]) -> np.ndarray:
    """The sum as int32, which no number of int16 stems that a song has can pass."""
    first, *rest = waveforms
    total = first.astype(np.int32)
    for waveform in rest:
        total += waveform
    return total


@speed_only
def bytes_decoded(track: Track) -> int:
    """What a track takes in memory when it is decoded, by its files' sizes: seldom more, for nothing is opened here."""
    return sum(_MOST_TIMES_LARGER * source.stat().st_size for source in track.sources if source.exists())


def hash_sources(track: Track) -> str:
    """SHA-256 of what a track is made from: the bytes of its file, or the roles and bytes of its files.

    Raises :class:`UserError` for a file that cannot be read.
    """
    try:
        if track.sources[0].name.endswith(STEM_SUFFIX):
            return hash_file(track.sources[0])
        roles = zip(track.sources, roles_in(track), strict=True)
        return hash_texts(sorted(f"{role} {source.stem.lower()} {hash_file(source)}" for source, role in roles))
    except OSError as error:
        raise UserError(
            f"{error.filename or track.name} cannot be read ({error.strerror}): mend or remove it."
        ) from None
