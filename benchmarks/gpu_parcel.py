"""Pack clips for a GPU that is lent without a network: parcels of at most 64 MiB, for as many calls.

    pip download --no-deps --only-binary=:all: --platform manylinux2014_x86_64 imageio-ffmpeg    here
    python benchmarks/gpu_parcel.py pack --clips MUSDB18-7S --ffmpeg imageio_ffmpeg-*.whl --out parcels
    python benchmarks/gpu_parcel.py unpack parcels/parcel-1 --data /tmp/clips                    there

The clips travel as they are, the compressed five-stream files, a quarter of their samples' size. The first parcel has
the wheel too, for its ffmpeg, which decodes them there, and the first clips: enough to measure. The others bring the
rest, for a training. Unpacking needs numpy alone, and writes an int16 array (stream, channel, sample) for each clip.
"""

import argparse
import shutil
import stat
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

MOST_BYTES = 58 * 2**20  # of a parcel: the checkout travels with it
FIRST = {"train": 12, "valid": 4}  # clips of the first parcel
STREAMS = 5
ENDING = ".stem.mp4"


def in_order(clips: Path) -> list[tuple[str, Path]]:
    """Split and file of each clip: those of the first parcel, then the rest, validation first."""
    import bare  # noqa: F401 - this checkout is on the path then

    from sepmodels.dataset.splits import validation_names

    found = sorted((clips / "train").glob(f"*{ENDING}"))
    if not found:
        raise SystemExit(f"gpu_parcel.py: {clips / 'train'} has no {ENDING} file: name the folder of MUSDB18's clips.")
    chosen = validation_names([file.name.removesuffix(ENDING) for file in found], 0.15, 42, official=True)
    files: dict[str, list[Path]] = {"train": [], "valid": []}
    for file in found:
        files["valid" if file.name.removesuffix(ENDING) in chosen else "train"].append(file)
    first = [(split, file) for split, some in files.items() for file in some[: FIRST[split]]]
    rest = [(split, file) for split in ("valid", "train") for file in files[split][FIRST[split] :]]
    return first + rest


def pack(clips: Path, out: Path, wheel: Path | None = None, most_bytes: int = MOST_BYTES) -> list[Path]:
    """Write the parcels, folders with files that are ready to be carried; gives them in the order of the calls.

    wheel: of imageio-ffmpeg, for the platform there; none: ffmpeg is installed there.
    """
    parcels = [out / "parcel-1"]
    parcels[0].mkdir(parents=True)
    left = most_bytes
    if wheel is not None:
        shutil.copy(wheel, parcels[0])
        left -= wheel.stat().st_size
    for number, (split, file) in enumerate(in_order(clips)):
        size = file.stat().st_size
        if size > left or number == sum(FIRST.values()):
            parcels.append(out / f"parcel-{len(parcels) + 1}")
            parcels[-1].mkdir()
            left = most_bytes
        left -= size
        shutil.copyfile(file, parcels[-1] / f"{split}-{number:03}{ENDING}")
    return parcels


def unpack(parcel: Path, data: Path) -> list[Path]:
    """Decode the parcel's clips into .npy files in train/ and valid/, each whole or not at all."""
    for split in FIRST:
        (data / split).mkdir(parents=True, exist_ok=True)
    for wheel in parcel.glob("*.whl"):
        take_ffmpeg(wheel, data / "ffmpeg")
    ffmpeg = str(data / "ffmpeg") if (data / "ffmpeg").exists() else "ffmpeg"
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda file: _unpacked(file, data, ffmpeg), sorted(parcel.glob(f"*{ENDING}"))))


def take_ffmpeg(wheel: Path, place: Path) -> None:
    """The program out of imageio-ffmpeg's wheel."""
    with zipfile.ZipFile(wheel) as content:
        (name,) = (name for name in content.namelist() if "/binaries/ffmpeg" in name)
        place.write_bytes(content.read(name))
    place.chmod(place.stat().st_mode | stat.S_IXUSR)


def _unpacked(file: Path, data: Path, ffmpeg: str) -> Path:
    split, _, number = file.name.removesuffix(ENDING).partition("-")
    temporary = data / f".tmp-{split}-{number}.npy"
    np.save(temporary, decoded(file, ffmpeg), allow_pickle=False)
    return temporary.replace(data / split / f"{number}.npy")


def decoded(file: Path, ffmpeg: str = "ffmpeg") -> np.ndarray:
    """The five streams of a clip, int16 (stream, channel, sample)."""
    with tempfile.TemporaryDirectory() as folder:
        command = [ffmpeg, "-nostdin", "-v", "error", "-i", str(file)]
        outputs = [Path(folder) / str(stream) for stream in range(STREAMS)]
        for stream, output in enumerate(outputs):
            command += ["-map", f"0:a:{stream}", "-f", "s16le", str(output)]
        subprocess.run(command, check=True)
        streams = [np.fromfile(output, np.int16).reshape(-1, 2).T for output in outputs]
    samples = min(stream.shape[1] for stream in streams)
    return np.stack([stream[:, :samples] for stream in streams])


def sizes(parcels: list[Path]) -> Iterator[str]:
    """A line for each parcel."""
    for parcel in parcels:
        files = list(parcel.iterdir())
        clips = sum(file.name.endswith(ENDING) for file in files)
        yield f"{parcel}: {clips} clips, {sum(file.stat().st_size for file in files) / 2**20:.0f} MiB"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("--clips", type=Path, required=True, help="the folder of MUSDB18's clips, with train/")
    packing.add_argument("--ffmpeg", type=Path, metavar="WHEEL", help="imageio-ffmpeg's, where there is none there")
    packing.add_argument("--out", type=Path, required=True, help="a new folder, which git ignores")
    unpacking = commands.add_parser("unpack")
    unpacking.add_argument("parcel", type=Path)
    unpacking.add_argument("--data", type=Path, required=True)
    chosen = parser.parse_args()
    if chosen.command == "pack":
        print("\n".join(sizes(pack(chosen.clips, chosen.out, chosen.ffmpeg))))
    else:
        print(f"{len(unpack(chosen.parcel, chosen.data))} clips are in {chosen.data}")


if __name__ == "__main__":
    main()
