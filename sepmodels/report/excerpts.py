"""The sounds of the page: excerpts of the chosen tracks, equally loud, compressed, as scripts that hold them.

A page that is opened from disk may not fetch files, but it may load scripts: so each track's sounds lie in a script
that hands them over as data URIs, and is loaded when the track is first listened to.
"""

import base64
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sepmodels.audio import SAMPLE_RATE_HZ, STREAMS, TARGET_STREAM
from sepmodels.errors import UserError
from sepmodels.files import hash_texts
from sepmodels.progress import Progress, silent
from sepmodels.report.material import Material
from sepmodels.report.track_choice import Heard, choose_start, choose_tracks, windows_of
from sepmodels.settings import ReportSettings

FULL_SCALE = 32_768
PEAK_DB = -1.0  # of the loudest sample after matching
MOST_GAIN_DB = 30.0  # a nearly silent estimate stays quiet
FADE_SAMPLES = 441
# libsndfile scales LAME's rates to a "compression level" from 0 (320 kbit/s) to 1 (32 kbit/s). Below 64 kbit/s a frame
# has no room for the note of the padding that decoders cut off.
LEAST_KBPS, MOST_KBPS = 64, 320
KBPS_OF_LEVEL_1 = 32


@dataclass(frozen=True)
class Signal:
    """One sound of a track: of which system (empty: the recording itself) and target (empty: the mixture)."""

    key: str
    system: str
    target: str
    waveform: NDArray[np.float32]


@dataclass(frozen=True)
class Excerpt:
    """A track's excerpt.

    entry: what the page has to know of it before it is loaded. file, script: the script's name and text.
    """

    entry: dict[str, Any]
    file: str
    script: str


def make_excerpts(material: Material, progress: Progress = silent) -> Iterator[Excerpt]:
    """The excerpts of the chosen tracks, one after another, as many and as long as the profile's report says.

    Raises :class:`UserError` for settings that cannot be.
    """
    settings = material.profile.report
    check_settings(settings)
    chosen = choose_tracks(material, settings.tracks)
    with ThreadPoolExecutor() as pool:  # the encoder is outside Python
        for done, heard in enumerate(chosen):
            progress(done, len(chosen), "track")
            yield _excerpt(material, heard, pool)
    progress(len(chosen), len(chosen), "track")


def check_settings(settings: ReportSettings) -> None:
    """Raise UserError for settings of which no excerpt can be made."""
    if settings.tracks < 0:
        raise UserError(f"The setting report.tracks cannot be {settings.tracks}: expected 0 or more.")
    if not settings.excerpt_seconds >= 1:
        raise UserError(f"The setting report.excerpt_seconds cannot be {settings.excerpt_seconds:g}: at least 1.")
    if not LEAST_KBPS <= settings.bitrate_kbps <= MOST_KBPS:
        raise UserError(
            f"The setting report.bitrate_kbps cannot be {settings.bitrate_kbps}: expected {LEAST_KBPS} to {MOST_KBPS}."
        )


def _of_what_is_heard(material: Material) -> pd.DataFrame:
    """The scores of the trainings that are played: those of the first seed."""
    scores = material.scores
    return scores[~scores.variant.isin(material.trained) | (scores.seed == material.profile.seeds[0])]


def _excerpt(material: Material, heard: Heard, pool: ThreadPoolExecutor) -> Excerpt:
    settings = material.profile.report
    start, signals = cut_signals(material, heard.track, settings.excerpt_seconds)
    gains_db = matching_gains_db([signal.waveform for signal in signals])
    sounds = list(pool.map(lambda signal: encode(signal.waveform, settings), signals))
    samples = signals[0].waveform.shape[-1]
    count = samples // SAMPLE_RATE_HZ
    scores = _of_what_is_heard(material)
    entry = {
        "track": heard.track,
        "reasons": list(heard.reasons),
        "start": start,
        "seconds": samples / SAMPLE_RATE_HZ,
        "signals": [
            {
                "key": signal.key,
                "system": signal.system,
                "target": signal.target,
                "gain": round(gain, 2),
                "sdr": windows_of(scores, signal.system, heard.track, signal.target, start, count)
                if signal.system
                else [],
            }
            for signal, gain in zip(signals, gains_db, strict=True)
        ],
    }
    uris = {
        signal.key: f"data:audio/{'flac' if settings.lossless else 'mpeg'};base64," + base64.b64encode(sound).decode()
        for signal, sound in zip(signals, sounds, strict=True)
    }
    name = hash_texts([heard.track, *uris.values()])[:16]
    return Excerpt({**entry, "file": f"audio/{name}.js"}, f"{name}.js", f'heard("{name}", {json.dumps(uris)});\n')


def cut_signals(material: Material, track: str, seconds: float) -> tuple[int, list[Signal]]:
    """The excerpt's start in seconds and all its sounds: the recording's own, then those of every system."""
    audible = [system for system in material.audible if (system, track) not in material.silent]
    stems, _ = material.sounds(audible[0], track)
    start = choose_start(stems[TARGET_STREAM], SAMPLE_RATE_HZ, seconds)
    span = slice(start * SAMPLE_RATE_HZ, start * SAMPLE_RATE_HZ + round(seconds * SAMPLE_RATE_HZ))
    own: dict[str, np.ndarray] = {
        "": stems[STREAMS.index("mixture"), :, span],
        material.targets[0]: stems[TARGET_STREAM, :, span],
        material.targets[1]: stems[1:TARGET_STREAM, :, span].sum(axis=0, dtype=np.int32),
    }
    signals = [Signal(target or "mixture", "", target, faded(cut / FULL_SCALE)) for target, cut in own.items()]
    signals += [Signal(f"low-pass/{one.target}", "", one.target, low_passed(one.waveform)) for one in signals[1:]]
    for system in audible:
        _, estimates = material.sounds(system, track)
        for place, target in enumerate(material.targets):
            signals.append(Signal(f"{system}/{target}", system, target, faded(estimates[place, :, span])))
    return start, signals


def low_passed(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """The waveform (channel, sample) below 3.5 kHz: the low anchor of a listening test (ITU-R BS.1534-3, 5.1)."""
    from scipy import signal

    order, edge = signal.ellipord(3500, 4000, gpass=0.1, gstop=50, fs=SAMPLE_RATE_HZ)
    sections = signal.ellip(order, 0.1, 50, edge, output="sos", fs=SAMPLE_RATE_HZ)
    return np.asarray(signal.sosfilt(sections, waveform), dtype=np.float32)


def faded(waveform: NDArray[Any]) -> NDArray[np.float32]:
    """The waveform (channel, sample) with its first and last 10 ms faded, so that it may begin and end anywhere."""
    ends = np.ones(waveform.shape[-1], np.float32)
    length = min(FADE_SAMPLES, len(ends) // 2)
    ramp = (np.arange(length, dtype=np.float32) + 0.5) / max(length, 1)
    ends[:length] = ramp
    ends[len(ends) - length :] = ramp[::-1]
    return np.asarray(waveform * ends, dtype=np.float32)


def matching_gains_db(waveforms: list[NDArray[np.float32]]) -> list[float]:
    """The gain of each waveform (channel, sample) with which all are equally loud, and none peaks above -1 dBFS.

    Loudness is that of ITU-R BS.1770-4 (K-weighted, gated). Silence is left as it is, and nothing is raised by more
    than 30 dB.
    """
    levels = [loudness_lufs(waveform) for waveform in waveforms]
    peaks_db = [20 * np.log10(max(float(np.abs(waveform).max(initial=0.0)), 1e-9)) for waveform in waveforms]
    known = [(level, peak) for level, peak in zip(levels, peaks_db, strict=True) if np.isfinite(level)]
    common = min((level + PEAK_DB - peak for level, peak in known), default=0.0)
    return [min(common - level, MOST_GAIN_DB) if np.isfinite(level) else 0.0 for level in levels]


def loudness_lufs(waveform: NDArray[np.float32]) -> float:
    """The integrated loudness of (channel, sample) in LUFS; -inf for silence and for less than 0.4 s."""
    import pyloudnorm

    meter = pyloudnorm.Meter(SAMPLE_RATE_HZ)
    if waveform.shape[-1] <= meter.block_size * SAMPLE_RATE_HZ:
        return -np.inf
    with np.errstate(divide="ignore"):
        return float(meter.integrated_loudness(waveform.T))


def encode(waveform: NDArray[np.float32], settings: ReportSettings) -> bytes:
    """The waveform (channel, sample) as an MP3 file of a constant bit rate, or as a FLAC file of 24 bits.

    Peaks above full scale are clipped.
    """
    import soundfile

    stream = io.BytesIO()
    if settings.lossless:
        soundfile.write(stream, np.clip(waveform.T, -1, 1), SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_24")
        return stream.getvalue()
    soundfile.write(
        stream,
        np.clip(waveform.T, -1, 1),
        SAMPLE_RATE_HZ,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=(MOST_KBPS - settings.bitrate_kbps) / (MOST_KBPS - KBPS_OF_LEVEL_1),
    )
    return stream.getvalue()
