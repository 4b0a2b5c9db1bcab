"""Small pictures for Dagster's and MLflow's pages. What is shown here makes nothing stale."""

import base64
from pathlib import Path
from typing import Any

import numpy as np

from assets.job import Job
from sepmodels.files import replacing

DPI = 75
LONGEST_SECONDS = 15
RANGE_DB = 80
HIGHEST_HZ = 12_000


def as_markdown(picture: Path, words: str) -> str:
    """A PNG or JPEG file for pages that show Markdown; nothing where there is none."""
    if not picture.exists():
        return ""
    kind = "png" if picture.suffix == ".png" else "jpeg"
    return f"![{words}](data:image/{kind};base64,{base64.b64encode(picture.read_bytes()).decode()})"


def write_estimate_picture(job: Job) -> Path:
    """Draw one estimate of the first seed beside its mixture and the true target: levels and spectrograms.

    Of the shortest test track, and at most the first fifteen seconds of it. Gives the path.
    """
    from matplotlib.figure import Figure

    from assets.making.scores import shortest_test_track, signals
    from sepmodels.audio import SAMPLE_RATE_HZ, STREAMS, TARGET_STREAM

    track = shortest_test_track(job.paths)
    stems, estimates = signals(job.paths, job.own, job.own.seeds_of(job.profile.seeds)[0], track)
    span = slice(0, LONGEST_SECONDS * SAMPLE_RATE_HZ)
    sounds = {
        "mixture": stems[STREAMS.index("mixture"), :, span].mean(axis=0) / 32768,
        f"true {job.profile.target}": stems[TARGET_STREAM, :, span].mean(axis=0) / 32768,
        "estimate": estimates[0, :, span].mean(axis=0),
    }
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True, sharey="row", height_ratios=(1, 2))
    for column, (name, sound) in enumerate(sounds.items()):
        panels[0, column].plot(*_level(sound, SAMPLE_RATE_HZ), linewidth=0.8)
        panels[0, column].set_title(name)
        _spectrogram(panels[1, column], sound, SAMPLE_RATE_HZ)
    panels[0, 0].set_ylabel("level, dBFS")
    panels[1, 0].set(ylabel="kHz", xlabel="s")
    figure.suptitle(f"{job.name}: {track}")
    path = job.paths.estimate_picture(job.name)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="jpeg", dpi=DPI)  # of noise a PNG is four times as large
    return path


def _level(sound: np.ndarray, sample_rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    """Times in s and the root mean square of each 46 ms in dB against full scale."""
    block = 2048
    blocks = sound[: len(sound) // block * block].reshape(-1, block)
    power = np.maximum(np.square(blocks).mean(axis=1), 1e-9)
    return (np.arange(len(blocks)) + 0.5) * block / sample_rate_hz, 10 * np.log10(power)


def _spectrogram(axis: Any, sound: np.ndarray, sample_rate_hz: int) -> None:
    with np.errstate(divide="ignore"):  # silence is -inf dB: black
        power, _, _, image = axis.specgram(sound, NFFT=2048, noverlap=1024, Fs=sample_rate_hz, cmap="magma")
    loudest = 10 * np.log10(max(float(power.max()), 1e-12))
    image.set_clim(loudest - RANGE_DB, loudest)
    axis.set_ylim(0, HIGHEST_HZ)
    axis.yaxis.set_major_formatter(lambda hertz, _: f"{hertz / 1000:g}")
