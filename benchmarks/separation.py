"""Separation of a long song beside openunmix's Separator: seconds, peak memory and the largest difference.

    python benchmarks/separation.py                # four minutes, ours and the peer
    python benchmarks/separation.py --minutes 60   # an hour: ours alone, for the peer would take some 55 GiB

The song is joined from MUSDB18's seven-second clips (--data, or SEPBENCH_MUSDB18_7S). Both have the same weights,
drawn by a seed and moved off their first values, and both give vocals and residual. Each is measured in a process
of its own: both from array to arrays, ours also from WAV file to WAV files, as `sepbench separate` does it. Memory is
the peak resident set, and beside it what that is beyond a process with torch and the model alone. The difference is
given twice: in the settings that are timed, and with the whole song as one segment, where both compute the same.
"""

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from sepmodels.audio import SAMPLE_RATE_HZ  # noqa: E402
from sepmodels.audio.io import decode_int16, read_audio, stem_file_headers, write_audio  # noqa: E402
from sepmodels.machine.devices import choose_device  # noqa: E402
from sepmodels.models.architectures import build_model  # noqa: E402
from sepmodels.separation.separate import separate  # noqa: E402
from sepmodels.separation.song_files import STEMS, separate_file  # noqa: E402
from sepmodels.settings import SeparationSettings  # noqa: E402
from sepmodels.systems.variants import BASELINE, VARIANTS  # noqa: E402

DEFAULT_DATA = Path(os.environ.get("SEPBENCH_MUSDB18_7S", PROJECT / "../shared/data/musdb18-7s"))
LONGEST_FOR_THE_PEER_MINUTES = 8


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="MUSDB18's clips (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--variant", default=BASELINE, help="ours; the peer has Open-Unmix alone")
    parser.add_argument("--segment-seconds", type=float, default=SeparationSettings().segment_seconds)
    parser.add_argument("--batch", type=int, default=SeparationSettings().batch)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--task", nargs=2, metavar=("TASK", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        task, folder = options.task
        print(json.dumps(TASKS[task](options, Path(folder))))
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(options, folder)


def compare(options: argparse.Namespace, folder: str) -> None:
    """Make the song, measure each in its own process, and print the table."""
    write_song(options.data, options.minutes, Path(folder) / "song.wav")
    bare = child("nothing", folder)["gib"]
    print(f"{options.minutes:g} minutes of music; Python with torch and the model alone: {bare:.2f} GiB\n")
    print("| separator | seconds | times as fast as the music | peak, GiB | beyond torch and model, GiB |")
    print("|---|---:|---:|---:|---:|")
    ours = child("ours", folder)
    print(row("ours, file to files", ours, bare, options.minutes), flush=True)
    if options.variant != BASELINE or options.minutes > LONGEST_FOR_THE_PEER_MINUTES:
        return
    arrays = child("arrays", folder)
    print(row("ours, array to array", arrays, bare, options.minutes), flush=True)
    peer = child("openunmix", folder)
    print(row("openunmix's Separator, array to array", peer, bare, options.minutes), flush=True)
    whole = child("whole", folder)
    print(row("ours, array to array, the song as one segment", whole, bare, options.minutes))
    print(f"\n{peer['seconds'] / arrays['seconds']:.1f} times faster, {peer['gib'] - arrays['gib']:.2f} GiB less.")
    for name, what in (("arrays", "in segments"), ("whole", "as one segment")):
        largest, level_db = difference(Path(folder), name)
        print(f"Largest difference of the estimates, {what}: {largest:.1e} of full scale ({level_db:.0f} dB overall).")


def row(name: str, found: dict[str, float], bare: float, minutes: float) -> str:
    """A row of the table."""
    speed = 60 * minutes / found["seconds"]
    return f"| {name} | {found['seconds']:.2f} | {speed:.0f} | {found['gib']:.2f} | {found['gib'] - bare:.2f} |"


def child(task: str, folder: str) -> dict[str, float]:
    """Run one task in a new process, whose peak memory is then its own; returns what it measured."""
    command = [sys.executable, *sys.argv, "--task", task, folder]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def write_song(data: Path, minutes: float, out: Path) -> None:
    """Join the mixtures of the test clips, again and again, into a 16-bit WAV file."""
    clips = itertools.cycle(
        [decode_int16(path, stem_file_headers(path))[0] for path in sorted((data / "test").glob("*.stem.mp4"))]
    )
    left = round(60 * minutes * SAMPLE_RATE_HZ)
    with soundfile.SoundFile(out, "w", SAMPLE_RATE_HZ, 2, "PCM_16") as file:
        while left > 0:
            clip = next(clips)[:, :left]
            file.write(clip.T)
            left -= clip.shape[1]


def seeded_model(variant: str) -> torch.nn.Module:
    """A model with random weights, the same each time; what training begins at 0 or 1 is moved off that."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = build_model(VARIANTS[variant]).eval()
    for name, value in model.state_dict().items():
        if name.endswith("running_var") or name == "input_scale":
            value.copy_(0.5 + torch.rand(value.shape, generator=generator))
        elif value.is_floating_point() and value.dim() == 1 and "lstm" not in name:
            value.add_(0.2 * torch.randn(value.shape, generator=generator))
    return model


def nothing(options: argparse.Namespace, folder: Path) -> dict[str, float]:  # noqa: ARG001
    """Torch and the model."""
    seeded_model(options.variant)
    return measured(time.perf_counter())


def ours(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """This project's, from file to files."""
    model = seeded_model(options.variant)
    stems = {name: folder / f"ours_{name}.wav" for name in STEMS}
    started = time.perf_counter()
    separate_file(model, folder / "song.wav", stems, settings_of(options), device=choose_device(options.device))
    return measured(started)


def arrays(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """This project's, from array to arrays."""
    return separate_array(options, folder, settings_of(options), "arrays")


def whole(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """This project's, in one segment."""
    return separate_array(options, folder, SeparationSettings(segment_seconds=1e6), "whole")


def separate_array(
    options: argparse.Namespace, folder: Path, settings: SeparationSettings, name: str
) -> dict[str, float]:
    """Separate the song in memory, and keep the vocals for the comparison."""
    model, song = seeded_model(options.variant), read_song(folder)
    started = time.perf_counter()
    vocals = separate(model, song, settings, device=choose_device(options.device))
    residual = song - vocals
    found = measured(started)
    assert residual.shape == song.shape
    write_audio(folder / f"{name}_vocals.wav", vocals, SAMPLE_RATE_HZ)
    return found


def settings_of(options: argparse.Namespace) -> SeparationSettings:
    """How the song is cut."""
    return SeparationSettings(segment_seconds=options.segment_seconds, batch=options.batch)


def openunmix(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """The peer, with vocals as its one target and a residual, and no Wiener filter."""
    from openunmix.model import OpenUnmix, Separator

    device = choose_device(options.device)
    core = OpenUnmix(nb_bins=2049, nb_channels=2, hidden_size=512, max_bin=1487)
    core.load_state_dict(seeded_model(BASELINE).state_dict())
    separator = Separator({"vocals": core}, niter=0, residual=True, n_fft=4096, n_hop=1024, nb_channels=2)
    separator.freeze()
    separator.to(device)
    song = read_song(folder)
    started = time.perf_counter()
    with torch.no_grad():
        estimates = separator(torch.from_numpy(song)[None].to(device)).cpu()
    found = measured(started)
    write_audio(folder / "openunmix_vocals.wav", estimates[0, 0].numpy(), SAMPLE_RATE_HZ)
    return found


def read_song(folder: Path) -> np.ndarray:
    """The song, float32 (channel, sample)."""
    return read_audio(folder / "song.wav")[0]


def measured(started: float) -> dict[str, float]:
    """Seconds since ``started``, and the peak memory of this process."""
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def difference(folder: Path, name: str) -> tuple[float, float]:
    """The largest difference from the peer's vocals, and the energy of all differences in dB below the vocals."""
    expected, _ = read_audio(folder / "openunmix_vocals.wav")
    found, _ = read_audio(folder / f"{name}_vocals.wav")
    error = found - expected
    return float(np.abs(error).max()), float(10 * np.log10(np.square(error).sum() / np.square(expected).sum()))


TASKS = {"nothing": nothing, "ours": ours, "arrays": arrays, "whole": whole, "openunmix": openunmix}

if __name__ == "__main__":
    main()
