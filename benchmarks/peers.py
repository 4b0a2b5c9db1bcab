"""What the benchmarks compare with: open-unmix 1.3.0 as its users run it, and a plain NumPy loop."""

import random
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch

from sepmodels.audio import SAMPLE_RATE_HZ, STREAMS
from sepmodels.audio.io import decode_int16, stem_file_headers

CHUNK_SECONDS = 6.0
CHUNK = round(CHUNK_SECONDS * SAMPLE_RATE_HZ)


def rate(make_chunks: Callable[[], int], seconds: float) -> float:
    """How many chunks a second ``make_chunks`` makes; it is called once before the clock starts."""
    make_chunks()
    begun, made = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        made += make_chunks()
    return made / (time.perf_counter() - begun)


def openunmix_dataset(root: Path, *, is_wav: bool) -> torch.utils.data.Dataset:
    """open-unmix's loader of MUSDB18, with the augmentation and remixing of its training script."""
    from openunmix import data

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return data.MUSDBDataset(
            root=str(root),
            is_wav=is_wav,
            split="train",
            subsets="train",
            seq_duration=CHUNK_SECONDS,
            source_augmentations=data.aug_from_str(["gain", "channelswap"]),
            random_track_mix=True,
        )


def one_by_one(dataset: torch.utils.data.Dataset) -> Callable[[], int]:
    """Chunks from a dataset, one a call."""

    def make() -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset[random.randrange(len(dataset))]
        return 1

    return make


def numpy_loop(tracks: Sequence[np.ndarray]) -> Callable[[], int]:
    """The plain way: for each stem a random excerpt of a memory map, to float, scaled, swapped, and summed."""
    rng = np.random.default_rng(0)

    def make() -> int:
        stems = []
        for stem in range(1, 5):
            track = tracks[rng.integers(len(tracks))]
            start = rng.integers(track.shape[-1] - CHUNK + 1)
            audio = track[stem, :, start : start + CHUNK].astype(np.float32) * (rng.uniform(0.25, 1.25) / 32768)
            stems.append(audio[::-1] if rng.random() < 0.5 else audio)
        torch.from_numpy(sum(stems)), torch.from_numpy(np.ascontiguousarray(stems[-1]))
        return 1

    return make


def write_wav_tracks(paths: Sequence[Path], out: Path) -> None:
    """The same tracks in MUSDB18-HQ's layout."""
    for path in paths:
        folder = out / path.parent.name / path.name.removesuffix(".stem.mp4")
        if folder.exists():
            continue
        temporary = folder.with_name(f".tmp-{folder.name}")
        temporary.mkdir(parents=True, exist_ok=True)
        for name, stem in zip(STREAMS, decode_int16(path, stem_file_headers(path)), strict=True):
            soundfile.write(temporary / f"{name}.wav", stem.T, SAMPLE_RATE_HZ, subtype="PCM_16")
        temporary.rename(folder)


def load_tracks(paths: Sequence[Path], cache: Path) -> list[np.ndarray]:
    """The tracks as this project reads them: memory-mapped int16 (stream, channel, sample)."""
    cache.mkdir(parents=True, exist_ok=True)
    tracks = []
    for path in paths:
        array = cache / f"{path.name}.npy"
        if not array.exists():
            temporary = array.with_name(f".tmp-{array.name}")
            np.save(temporary, decode_int16(path, stem_file_headers(path)))
            temporary.rename(array)
        tracks.append(np.load(array, mmap_mode="r"))
    return tracks
