"""How many six-second chunks of four stems, augmented and remixed, one process makes a second.

    python benchmarks/feeding.py

The peers run beside ours, in turns, on the same tracks and cores: open-unmix's MUSDBDataset from .stem.mp4 and
from WAV, and a plain loop over NumPy memory maps. (That loop profits from our setting of the memory allocator here:
in a process of its own it is slower.) All files are in the system's cache. The first run makes four tracks of four
minutes from MUSDB18's clips, which takes a few minutes; they are kept in data/benchmarks.
"""

import argparse
import statistics
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import torch
from make_full_length import CLIPS, make_full_length
from peers import load_tracks, numpy_loop, one_by_one, openunmix_dataset, rate, write_wav_tracks

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.machine.devices import choose_device, prepare_device
from sepmodels.settings import TrainingSettings
from sepmodels.training.batches import ChunkSampler

ROUNDS = 3


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=Path(CLIPS), help="MUSDB18's clips (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=Path("data/benchmarks"), help="where tracks are kept")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each of three turns of each contestant")
    parser.add_argument("--device", default="auto")
    chosen = parser.parse_args()

    paths = make_full_length(chosen.source, chosen.work / "full_length", tracks=4, seconds=240)
    write_wav_tracks(paths, chosen.work / "full_length_wav")
    tracks = load_tracks(paths, chosen.work / "full_length_cache")[:3]
    device = choose_device(chosen.device)
    prepare_device(device, None)

    contestants: dict[str, Callable[[], int]] = {
        "open-unmix from .stem.mp4": one_by_one(openunmix_dataset(chosen.work / "full_length", is_wav=False)),
        "open-unmix from WAV": one_by_one(openunmix_dataset(chosen.work / "full_length_wav", is_wav=True)),
        "NumPy memory-map loop": numpy_loop(tracks),
    }
    with ExitStack() as opened:
        for feeding in ("device", "host", "disk") if device.type == "cuda" else ("host", "disk"):
            settings = TrainingSettings(feeding=feeding)
            sampler = ChunkSampler(tracks, settings, seed=0, device=device, sample_rate_hz=SAMPLE_RATE_HZ)
            contestants[f"ours from {feeding}"] = _in_batches(opened.enter_context(closing(sampler)))
        rates: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(ROUNDS):
            for name, make_chunks in contestants.items():
                rates[name].append(rate(make_chunks, chosen.seconds))
    _print(rates, device)


def _in_batches(sampler: ChunkSampler) -> Callable[[], int]:
    def make() -> int:
        mixture, _ = sampler.next_batch()
        if sampler.device.type == "cuda":
            torch.cuda.synchronize()
        return len(mixture)

    return make


def _print(rates: dict[str, list[float]], device: torch.device) -> None:
    medians = {name: statistics.median(found) for name, found in rates.items()}
    stem, wav, numpy = (medians[name] for name in list(medians)[:3])
    print(f"\nchunks a second on {device}, {torch.get_num_threads()} threads: the median of {ROUNDS} turns (range)")
    print(f"{'':28}{'chunks/s':>20}{'x .stem.mp4':>13}{'x WAV':>9}{'x NumPy':>9}")
    for name, median in medians.items():
        shown = f"{median:.1f} ({min(rates[name]):.1f}-{max(rates[name]):.1f})"
        print(f"{name:28}{shown:>20}{median / stem:>13.1f}{median / wav:>9.1f}{median / numpy:>9.2f}")


if __name__ == "__main__":
    main()
