"""Decoding a four-minute track of five streams, and reading chunks of it: ours beside stempeg, musdb and plain ffmpeg.

    python benchmarks/decoding.py --work DIR

The track is joined from MUSDB18's seven-second clips. Each decode is a process of its own; contestants take turns, and
the medians are shown. Plain ffmpeg decodes all streams to nowhere: what no reader can be faster than. Chunks are six
seconds of one stem from a random place, all files in the system's cache.
"""

import argparse
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from make_full_length import CLIPS, make_full_length
from watching import Watched, watched

from sepmodels.audio import SAMPLE_RATE_HZ, STREAMS
from sepmodels.audio.io import decode_int16, stem_file_headers

CHUNK = 6 * SAMPLE_RATE_HZ
MOST_TIMES_FFMPEG, MOST_BYTES = 1.5, 0.6e9


def stempeg_default(path: Path) -> int:
    """``stempeg.read_stems`` as it is."""
    import stempeg

    stems, _ = stempeg.read_stems(str(path))
    return stems.nbytes


def musdb_stems(path: Path) -> int:
    """What ``musdb``'s ``track.stems`` reads."""
    import stempeg

    info = stempeg.Info(str(path))
    stems, _ = stempeg.read_stems(str(path), info=info, ffmpeg_format="s16le")
    return stems.nbytes


def plain_ffmpeg(path: Path) -> int:
    """One run over all streams, to nowhere."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path)]
    for stream in range(len(STREAMS)):
        command += ["-map", f"0:a:{stream}", "-f", "s16le", "-y", os.devnull]
    subprocess.run(command, check=True)
    return 0


def ours(path: Path) -> int:
    """:func:`sepmodels.audio.io.decode_int16`."""
    return decode_int16(path, stem_file_headers(path)).nbytes


DECODERS: dict[str, Callable[[Path], int]] = {
    "stempeg, default (float64)": stempeg_default,
    "musdb (`track.stems`)": musdb_stems,
    "plain ffmpeg, to nowhere": plain_ffmpeg,
    "ours (int16)": ours,
}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=Path(CLIPS), help="the clips' folder (default: %(default)s)")
    parser.add_argument("--work", type=Path, required=True, help="where the joined track goes")
    parser.add_argument("--seconds", type=float, default=240.0, help="length of the track (default: 240)")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    path = make_full_length(chosen.source, chosen.work / "decoding", tracks=1, seconds=chosen.seconds)[0]
    seen: dict[str, list[Watched]] = {name: [] for name in DECODERS}
    for _ in range(chosen.rounds):
        for name, decode in DECODERS.items():
            seen[name].append(watched(decode, path))
    print(decoding_table(seen))
    print(f"\n{verdict(seen)}\n")
    print(reading_table(path, chosen.work / "layouts"))


def median(all_seen: list[Watched], name: str) -> float:
    """The median of one figure."""
    return statistics.median(getattr(one, name) for one in all_seen)


def decoding_table(seen: dict[str, list[Watched]]) -> str:
    """The decoders, as Markdown."""
    lines = ["| decoder | seconds | CPU s | memory, MB | array, MB |", "|---|---:|---:|---:|---:|"]
    for name, of_one in seen.items():
        seconds, cpu, memory = (median(of_one, field) for field in ("seconds", "cpu_seconds", "memory_bytes"))
        lines.append(f"| {name} | {seconds:.2f} | {cpu:.2f} | {memory / 1e6:.0f} | {of_one[0].answer / 1e6:.0f} |")
    return "\n".join(lines)


def verdict(seen: dict[str, list[Watched]]) -> str:
    """Whether ours keeps to its limits beside plain ffmpeg."""
    mine, theirs = seen["ours (int16)"], seen["plain ffmpeg, to nowhere"]
    times = median(mine, "seconds") / median(theirs, "seconds")
    cpu = median(mine, "cpu_seconds") / median(theirs, "cpu_seconds")
    memory = median(mine, "memory_bytes")
    kept = times <= MOST_TIMES_FFMPEG and memory <= MOST_BYTES
    return (
        f"Ours takes {times:.2f} times the seconds and {cpu:.2f} times the CPU seconds of plain ffmpeg, and "
        f"{memory / 1e9:.2f} GB: {'within' if kept else 'BEYOND'} the limits ({MOST_TIMES_FFMPEG:g} times, "
        f"{MOST_BYTES / 1e9:g} GB)."
    )


def reading_table(path: Path, folder: Path) -> str:
    """What a chunk costs in each layout, as Markdown."""
    import stempeg

    stems = np.ascontiguousarray(decode_int16(path, stem_file_headers(path)))
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "planes.npy", stems)
    np.save(folder / "interleaved.npy", stems.transpose(0, 2, 1).copy())
    np.save(folder / "floats.npy", stems.astype(np.float32) / 32768)
    for suffix in (".wav", ".flac"):
        for name, stem in zip(STREAMS, stems, strict=True):
            soundfile.write(folder / f"{name}{suffix}", stem.T, SAMPLE_RATE_HZ, subtype="PCM_16")
    planes, floats = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("planes", "floats"))
    interleaved = np.load(folder / "interleaved.npy", mmap_mode="r")

    def by_file(suffix: str) -> Callable[[int, int], np.ndarray]:
        return lambda stem, start: (
            soundfile.read(folder / f"{STREAMS[stem]}{suffix}", frames=CHUNK, start=start, dtype="float32")[0].T
        )

    def by_stempeg(stem: int, start: int) -> np.ndarray:
        return stempeg.read_stems(str(path), start=start / SAMPLE_RATE_HZ, duration=6.0, stem_id=stem)[0]

    def size(pattern: str) -> int:
        return sum(file.stat().st_size for file in folder.glob(pattern))

    layouts: dict[str, tuple[int, Callable[[int, int], np.ndarray]]] = {
        "`.npy` int16 (stem, channel, sample), ours": (
            size("planes.npy"),
            lambda stem, start: planes[stem, :, start : start + CHUNK].astype(np.float32) / 32768,
        ),
        "`.npy` int16 (stem, sample, channel)": (
            size("interleaved.npy"),
            lambda stem, start: (
                interleaved[stem, start : start + CHUNK].T.astype(np.float32, order="C") / np.float32(32768)
            ),
        ),
        "`.npy` float32 (stem, channel, sample)": (
            size("floats.npy"),
            lambda stem, start: np.array(floats[stem, :, start : start + CHUNK]),
        ),
        "WAV per stem, soundfile": (size("*.wav"), by_file(".wav")),
        "FLAC per stem, soundfile": (size("*.flac"), by_file(".flac")),
        "`.stem.mp4`, stempeg": (path.stat().st_size, by_stempeg),
    }
    lines = ["| layout | MB a track | ms a chunk |", "|---|---:|---:|"]
    for name, (size_bytes, read) in layouts.items():
        lines.append(f"| {name} | {size_bytes / 1e6:.0f} | {1000 * seconds_a_chunk(read, stems.shape[2]):.2f} |")
    return "\n".join(lines)


def seconds_a_chunk(read: Callable[[int, int], np.ndarray], samples: int, at_least: float = 0.5) -> float:
    """The mean over chunks from random places, after two that are not counted."""
    rng = np.random.default_rng(0)
    places = [(int(rng.integers(1, 5)), int(rng.integers(samples - CHUNK))) for _ in range(1000)]
    for place in places[:2]:
        read(*place)
    begun, made = time.perf_counter(), 0
    while time.perf_counter() - begun < at_least:
        read(*places[made % len(places)])
        made += 1
    return (time.perf_counter() - begun) / made


if __name__ == "__main__":
    main()
