"""Decoding and probing: ours beside stempeg, PyAV and torchcodec, on a four-minute track of five streams and on songs.

    pip install av torchcodec    # optional: a peer that is not installed is left out
    python benchmarks/decoding.py --work DIR

The track is joined from MUSDB18's seven-second clips; the songs are its mixture as MP3, FLAC, Ogg and WAV. All decode
to int16 at 44.1 kHz, as musdb does. Each decode is a process of its own; decoders take turns, and the table shows
medians. Plain ffmpeg decodes to nowhere: nobody who calls it can be faster.
"""

import argparse
import importlib
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from make_full_length import CLIPS, make_full_length
from watching import Watched, watched

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.probing import probe
from sepmodels.dataset.decoding import read_track
from sepmodels.dataset.stem_files import read_stem
from sepmodels.dataset.track import STEM_SUFFIX, Track

SONGS = {".mp3": ["-b:a", "256k"], ".flac": [], ".ogg": ["-c:a", "libvorbis", "-q:a", "6"], ".wav": []}
FULL_SCALE = 32_768
BLOCK = 1 << 16
PROBES = 10


def ours(path: Path) -> np.ndarray:
    """As the benchmark's stems are decoded: with every check for damage."""
    if path.name.endswith(STEM_SUFFIX):
        return read_track(Track(path.name, "train", (path,))).stems
    return read_stem(path).samples[None]


def by_stempeg(path: Path) -> np.ndarray:
    """What ``musdb`` reads, without its last step to floats."""
    import stempeg

    stems, _ = stempeg.read_stems(str(path), ffmpeg_format="s16le", dtype=np.int16)
    return stems.reshape(-1, *stems.shape[-2:]).transpose(0, 2, 1)


def by_pyav(path: Path) -> np.ndarray:
    """Frames are joined to blocks first: to convert them one by one takes twice the time."""
    import av
    from av.audio.fifo import AudioFifo

    with av.open(str(path)) as container:
        streams = container.streams.audio
        queues = {stream.index: AudioFifo() for stream in streams}
        converters = {stream.index: av.AudioResampler("s16p", "stereo", SAMPLE_RATE_HZ) for stream in streams}
        blocks: dict[int, list[np.ndarray]] = {stream.index: [] for stream in streams}

        def convert(stream: int, frame: av.AudioFrame | None) -> None:
            blocks[stream] += [part.to_ndarray() for part in converters[stream].resample(frame)]

        for packet in container.demux(streams):
            stream = packet.stream.index
            for frame in packet.decode():
                frame.pts = None  # a queue refuses gaps
                queues[stream].write(frame)
            while (block := queues[stream].read(BLOCK)) is not None:
                convert(stream, block)
        for stream, queue in queues.items():
            for block in (queue.read(0, partial=True), None):
                convert(stream, block)
    return np.stack([np.concatenate(parts, axis=1) for parts in blocks.values()])


def by_torchcodec(path: Path) -> np.ndarray:
    """One decoder a stream: it reads the file again for each."""
    from torchcodec.decoders import AudioDecoder

    streams = range(5) if path.name.endswith(STEM_SUFFIX) else [None]
    decoded = (AudioDecoder(path, stream_index=stream).get_all_samples().data.numpy() for stream in streams)
    return np.stack(
        [np.rint(samples * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1).astype("<i2") for samples in decoded]
    )


def by_plain_ffmpeg(path: Path) -> np.ndarray:
    """One run over all streams, to nowhere."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path)]
    for stream in range(5 if path.name.endswith(STEM_SUFFIX) else 1):
        command += ["-map", f"0:a:{stream}", "-f", "s16le", "-y", os.devnull]
    subprocess.run(command, check=True)
    return np.empty(0, np.int16)


def probe_by_pyav(path: Path) -> None:
    """Opening reads the headers."""
    import av

    av.open(str(path)).close()


def probe_by_torchcodec(path: Path) -> None:
    """The header of the first stream alone."""
    from torchcodec.decoders import AudioDecoder

    assert AudioDecoder(path).metadata.sample_rate


@dataclass(frozen=True)
class Decoder:
    """module: that must be there for it. probe: reads the headers alone; None where it cannot, or asks ffprobe."""

    name: str
    module: str
    decode: Callable[[Path], np.ndarray]
    probe: Callable[[Path], object] | None = None


OURS = Decoder("ours", "sepmodels", ours, probe)
DECODERS = (
    OURS,
    Decoder("stempeg", "stempeg", by_stempeg),
    Decoder("PyAV", "av", by_pyav, probe_by_pyav),
    Decoder("torchcodec", "torchcodec", by_torchcodec, probe_by_torchcodec),
    Decoder("plain ffmpeg, to nowhere", "sepmodels", by_plain_ffmpeg),
)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=Path(CLIPS), help="the clips' folder (default: %(default)s)")
    parser.add_argument("--work", type=Path, required=True, help="where the joined track and the songs go")
    parser.add_argument("--seconds", type=float, default=240.0, help="length of the track (default: 240)")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    track = make_full_length(chosen.source, chosen.work / "decoding", tracks=1, seconds=chosen.seconds)[0]
    decoders = [decoder for decoder in DECODERS if is_there(decoder)]
    print(
        "| file | decoder | s | ours x | CPU s | MB | ours x | two threads, s a file | probe, ms | off by, of 32768 |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|---|")
    for path in (track, *songs(track, chosen.work / "songs")):
        for line in rows(path, decoders, chosen.rounds):
            print(line, flush=True)


def is_there(decoder: Decoder) -> bool:
    """Whether a decoder can be imported; says so where it cannot."""
    try:
        importlib.import_module(decoder.module)
    except (ImportError, OSError, RuntimeError) as error:  # torchcodec wants FFmpeg's own libraries
        reason = str(error).strip().splitlines()[0]
        print(f"{decoder.name} is left out ({reason}): `pip install {decoder.module}` to compare with it.\n")
        return False
    return True


def songs(track: Path, folder: Path) -> list[Path]:
    """The track's mixture in each format of songs."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"song{suffix}" for suffix in SONGS]
    for path, options in zip(paths, SONGS.values(), strict=True):
        command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(track), "-map", "0:a:0", *options, str(path)]
        subprocess.run(command, check=True)
    return paths


def rows(path: Path, decoders: list[Decoder], rounds: int) -> list[str]:
    """A row of the table for each decoder."""
    seen: dict[str, list[Watched]] = {decoder.name: [] for decoder in decoders}
    for _ in range(rounds):
        for decoder in decoders:
            seen[decoder.name].append(watched(decode, decoder.decode, path))
    base_s, base_bytes = (median(seen[OURS.name], field) for field in ("seconds", "memory_bytes"))
    lines = []
    for decoder in decoders:
        seconds, cpu, memory = (
            median(seen[decoder.name], field) for field in ("seconds", "cpu_seconds", "memory_bytes")
        )
        lines.append(
            f"| {path.name.partition('.')[2]} | {decoder.name} | {seconds:.2f} | {seconds / base_s:.2f} | {cpu:.2f} "
            f"| {memory / 1e6:.0f} | {memory / base_bytes:.2f} "
            f"| {watched(two_at_once, decoder.decode, path).seconds / 2:.2f} | {milliseconds_a_probe(decoder, path)} "
            f"| {watched(difference, decoder.decode, path).answer} |"
        )
    return lines


def median(all_seen: list[Watched], name: str) -> float:
    """The median of one figure."""
    return statistics.median(getattr(one, name) for one in all_seen)


def decode(by: Callable[[Path], np.ndarray], path: Path) -> None:
    """Once, in this process."""
    by(path)


def two_at_once(by: Callable[[Path], np.ndarray], path: Path) -> None:
    """Twice, in two threads of this process, as a benchmark's tracks are decoded."""
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(by, [path, path]))


def milliseconds_a_probe(decoder: Decoder, path: Path) -> str:
    """The mean of some, after one that is not counted; empty where it does not probe by itself."""
    if decoder.probe is None:
        return ""
    decoder.probe(path)
    begun = time.perf_counter()
    for _ in range(PROBES):
        decoder.probe(path)
    return f"{1000 * (time.perf_counter() - begun) / PROBES:.1f}"


def difference(by: Callable[[Path], np.ndarray], path: Path) -> str:
    """The largest difference from stempeg's samples, how many differ, and a difference in length."""
    found, expected = by(path), by_stempeg(path)
    if not found.size:
        return ""
    shared = min(found.shape[-1], expected.shape[-1])
    off = np.abs(found[..., :shared].astype(np.int32) - expected[..., :shared])
    longer = found.shape[-1] - expected.shape[-1]
    share = f" ({1e6 * np.mean(off > 0):.0f} in a million)" if off.any() else ""
    return f"{off.max()}{share}{f', {longer:+d} samples' if longer else ''}"


if __name__ == "__main__":
    main()
