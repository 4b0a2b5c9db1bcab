"""Join MUSDB18's seven-second clips into tracks of realistic length, written as five-stream .stem.mp4 files.

    python benchmarks/make_full_length.py --tracks 4 --seconds 240 --out data/full_length

The tracks make no music, but they cost what real ones cost: in time, in memory and on disk. They lie in MUSDB's
layout, one in three as a test track, as there. With ``--copy`` the clips' packets are copied, not encoded anew:
a second a track instead of half a minute, with time stamps that are some milliseconds off at each join.
"""

import argparse
import itertools
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sepmodels.audio import SAMPLE_RATE_HZ, STREAMS
from sepmodels.audio.io import decode_int16, stem_file_headers

SUFFIX = ".stem.mp4"
SHORTEST_CLIP_SECONDS = 6.7
CLIPS = os.environ.get("SEPBENCH_MUSDB18_7S", "../shared/data/musdb18-7s")


def make_full_length(source: Path, out: Path, tracks: int, seconds: float, *, copy: bool = False) -> list[Path]:
    """The joined tracks' files; those that are there already are kept."""
    clips = sorted(source.glob(f"*/*{SUFFIX}"))
    if not clips:
        raise SystemExit(f"There are no {SUFFIX} files in {source}/train or {source}/test: name MUSDB18's folder.")
    paths = []
    for number in range(1, tracks + 1):
        split = "test" if number % 3 == 0 else "train"
        path = out / split / f"Full length {seconds:g} s - {number:02d}{SUFFIX}"
        paths.append(path)
        if path.exists():
            continue
        endless = itertools.cycle(random.Random(number).sample(clips, len(clips)))  # no two tracks are the same
        if copy:
            _copy(path, [next(endless) for _ in range(1 + int(seconds / SHORTEST_CLIP_SECONDS))], seconds)
        else:
            _write(path, _joined(endless, round(seconds * SAMPLE_RATE_HZ)))
    return paths


def _joined(clips: Iterator[Path], samples: int) -> np.ndarray:
    """Int16 (stream, channel, sample) of consecutive clips."""
    stems = np.empty((len(STREAMS), 2, samples), np.int16)
    filled = 0
    while filled < samples:
        path = next(clips)
        clip = decode_int16(path, stem_file_headers(path))[..., : samples - filled]
        stems[..., filled : filled + clip.shape[-1]] = clip
        filled += clip.shape[-1]
    return stems


def _write(path: Path, stems: np.ndarray) -> None:
    import stempeg

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{path.name}")
    write = stempeg.StreamsWriter(codec="aac", bitrate=256_000, stem_names=list(STREAMS))
    write(np.ascontiguousarray(stems.transpose(0, 2, 1)) / np.float32(32768), str(temporary), SAMPLE_RATE_HZ)
    temporary.replace(path)


def _copy(path: Path, clips: list[Path], seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{path.name}")
    quoted = (str(clip.resolve()).replace("'", r"'\''") for clip in clips)
    listing = path.with_name(f".tmp-{path.name}.txt")
    listing.write_text("".join(f"file '{clip}'\n" for clip in quoted), encoding="utf-8")
    command = ["ffmpeg", "-v", "fatal", "-nostdin", "-y", "-f", "concat", "-safe", "0", "-i", str(listing)]
    subprocess.run([*command, "-map", "0:a", "-c", "copy", "-t", f"{seconds:g}", str(temporary)], check=True)
    listing.unlink()
    temporary.replace(path)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=Path(CLIPS), help="the clips' folder (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="where the tracks go")
    parser.add_argument("--tracks", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--copy", action="store_true", help="copy packets instead of encoding: much faster")
    chosen = parser.parse_args()
    for path in make_full_length(chosen.source, chosen.out, chosen.tracks, chosen.seconds, copy=chosen.copy):
        print(path)


if __name__ == "__main__":
    main()
