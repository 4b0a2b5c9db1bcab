"""What six seconds of one stem cost to read, for each way to store the stems of a four-minute track.

    python benchmarks/layouts.py --work DIR

The track is joined from MUSDB18's seven-second clips. Chunks are from random places, all files in the system's cache.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from make_full_length import CLIPS, make_full_length

from sepmodels.audio import SAMPLE_RATE_HZ, STREAMS
from sepmodels.audio.io import decode_int16, stem_file_headers

CHUNK = 6 * SAMPLE_RATE_HZ


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=Path(CLIPS), help="the clips' folder (default: %(default)s)")
    parser.add_argument("--work", type=Path, required=True, help="where the joined track and its copies go")
    parser.add_argument("--seconds", type=float, default=240.0, help="length of the track (default: 240)")
    chosen = parser.parse_args()
    path = make_full_length(chosen.source, chosen.work / "decoding", tracks=1, seconds=chosen.seconds)[0]
    print(reading_table(path, chosen.work / "layouts"))


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
