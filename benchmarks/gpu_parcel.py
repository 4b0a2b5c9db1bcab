"""Pack clips for a GPU that is lent without a network: parcels of at most 64 MiB, for as many calls.

    python benchmarks/gpu_parcel.py pack --stems data/musdb18-7s/stems --out parcels    here
    python benchmarks/gpu_parcel.py unpack parcels/parcel-1 --data /tmp/clips           there, with numpy alone

The first parcel is enough to measure: a few clips of both splits. The others bring the rest, for a training. A clip is
an int16 array (stream, channel, sample), so that nothing has to be decoded there. It is packed as the differences of
its samples, high bytes and low bytes apart, by LZMA; unpacked it is the same, bit for bit.
"""

import argparse
import io
import lzma
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

MOST_BYTES = 62 * 2**20  # of a parcel: the checkout travels with it
FIRST = {"train": 12, "valid": 4}  # clips of the first parcel
PRESET = 1


def packed(clip: np.ndarray) -> bytes:
    """An int16 array in fewer bytes.

    >>> clip = np.arange(-6, 6, dtype=np.int16).reshape(2, 2, 3)
    >>> np.array_equal(unpacked(packed(clip)), clip)
    True
    """
    if clip.dtype != np.int16:
        raise ValueError(f"Clips are int16, not {clip.dtype}.")
    steps = np.diff(clip, axis=-1, prepend=np.zeros_like(clip[..., :1]))  # which wraps around, here and back
    stream = io.BytesIO()
    np.save(stream, steps.view(np.uint8).reshape(*clip.shape, 2).transpose(3, 0, 1, 2).copy(), allow_pickle=False)
    return lzma.compress(stream.getvalue(), preset=PRESET)


def unpacked(content: bytes) -> np.ndarray:
    """What :func:`packed` was given."""
    halves = np.load(io.BytesIO(lzma.decompress(content)), allow_pickle=False)
    steps = np.ascontiguousarray(halves.transpose(1, 2, 3, 0)).view(np.int16)[..., 0]
    return np.cumsum(steps, axis=-1, dtype=np.int16)


def in_order(stems: Path) -> list[tuple[str, Path]]:
    """Split and file of each clip: those of the first parcel, then the rest, validation first."""
    files = {split: sorted((stems / split).glob("*.npy")) for split in ("train", "valid")}
    for split, found in files.items():
        if not found:
            raise SystemExit(f"gpu_parcel.py: {stems / split} has no clip: run `sepbench run -p musdb18-7s` first.")
    first = [(split, file) for split, found in files.items() for file in found[: FIRST[split]]]
    rest = [(split, file) for split in ("valid", "train") for file in files[split][FIRST[split] :]]
    return first + rest


def pack(stems: Path, out: Path, most_bytes: int = MOST_BYTES) -> list[Path]:
    """Write the parcels, folders with files that are ready to be carried; gives them in the order of the calls."""
    clips = in_order(stems)
    with ProcessPoolExecutor() as pool:
        contents = pool.map(_packed_file, [file for _, file in clips])
        parcels: list[Path] = []
        left = 0
        for number, ((split, _), content) in enumerate(zip(clips, contents, strict=True)):
            if len(content) > left or number == sum(FIRST.values()):
                parcels.append(out / f"parcel-{len(parcels) + 1}")
                parcels[-1].mkdir(parents=True)
                left = most_bytes
            left -= len(content)
            (parcels[-1] / f"{split}-{number:03}.xz").write_bytes(content)
    return parcels


def _packed_file(file: Path) -> bytes:
    return packed(np.load(file, allow_pickle=False))


def unpack(parcel: Path, data: Path) -> list[Path]:
    """Write the parcel's clips as .npy files into train/ and valid/, each whole or not at all."""
    written = []
    for file in sorted(parcel.glob("*.xz")):
        split, _, number = file.stem.partition("-")
        (data / split).mkdir(parents=True, exist_ok=True)
        temporary = data / f".tmp-{file.stem}.npy"
        np.save(temporary, unpacked(file.read_bytes()), allow_pickle=False)
        written.append(temporary.replace(data / split / f"{number}.npy"))
    return written


def sizes(parcels: list[Path]) -> Iterator[str]:
    """A line for each parcel."""
    for parcel in parcels:
        files = list(parcel.iterdir())
        yield f"{parcel}: {len(files)} clips, {sum(file.stat().st_size for file in files) / 2**20:.0f} MiB"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("--stems", type=Path, required=True, help="a profile's decoded stems: data/PROFILE/stems")
    packing.add_argument("--out", type=Path, required=True, help="a new folder, which git ignores")
    unpacking = commands.add_parser("unpack")
    unpacking.add_argument("parcel", type=Path)
    unpacking.add_argument("--data", type=Path, required=True)
    chosen = parser.parse_args()
    if chosen.command == "pack":
        print("\n".join(sizes(pack(chosen.stems, chosen.out))))
    else:
        print(f"{len(unpack(chosen.parcel, chosen.data))} clips are in {chosen.data}")


if __name__ == "__main__":
    main()
