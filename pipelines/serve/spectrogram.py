"""A picture of what sounds when, for a page."""

from pathlib import Path

import numpy as np

WINDOW, COLUMNS, ROWS = 4096, 900, 220
LOWEST_HZ, DEEPEST_DB = 40.0, -80.0


def draw_spectrogram(audio: Path, picture: Path) -> None:
    """Draw the levels of an audio file, frequency (logarithmic) over time, into a PNG file.

    It is read a window at a time, so memory stays small whatever the length; of the windows that fall into one column
    of the picture the loudest counts.
    """
    from matplotlib.figure import Figure

    levels, seconds, highest_hz = _levels(audio)
    figure = Figure(figsize=(9, 2.4), dpi=100, layout="constrained")
    axes = figure.subplots()
    extent = (0, seconds, np.log10(LOWEST_HZ), np.log10(highest_hz))
    axes.imshow(levels, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=DEEPEST_DB, vmax=0)
    marks = [hz for hz in (100, 300, 1000, 3000, 10000) if hz < highest_hz]
    axes.set_yticks(np.log10(marks), [f"{hz / 1000:g}" for hz in marks])
    axes.set(xlabel="seconds", ylabel="kHz")
    figure.savefig(picture)


def _levels(audio: Path) -> tuple[np.ndarray, float, float]:
    """Levels in dB below the loudest ``(row, column)``, the length in seconds, and the highest frequency in Hz."""
    import soundfile

    with soundfile.SoundFile(audio) as file:
        highest_hz = min(16_000.0, file.samplerate / 2)
        rows_hz = np.geomspace(LOWEST_HZ, highest_hz, ROWS)
        columns = min(COLUMNS, -(-file.frames // WINDOW))
        picture = np.zeros((ROWS, columns))
        for number, samples in enumerate(file.blocks(WINDOW, always_2d=True, fill_value=0.0)):
            spectrum = np.abs(np.fft.rfft(samples.mean(axis=1) * np.hanning(WINDOW)))
            row = np.interp(rows_hz, np.fft.rfftfreq(WINDOW, 1 / file.samplerate), spectrum)
            column = min(number * WINDOW * columns // file.frames, columns - 1)
            picture[:, column] = np.maximum(picture[:, column], row)
        loudest = max(picture.max(), 1e-9)
        return 20 * np.log10(np.maximum(picture / loudest, 1e-6)), file.frames / file.samplerate, highest_hz
