"""On a GPU, in one call: is it right, how fast is it, how good does it get; each part written as soon as it is known.

    python benchmarks/gpu.py --data DIR --minutes 9
    python benchmarks/gpu.py --data DIR --minutes 2 --device cpu    the same on a small scale, to try the command

It needs torch and numpy alone. DIR has train/ and valid/ with int16 arrays (stream, channel, sample), as
benchmarks/gpu_parcel.py packs them. What is known stands in gpu.json in the folder $OUT (else here), which is always
whole; a part that fails or finds no time says so there. `python benchmarks/gpu_rows.py gpu.json` puts it into the docs.
"""

import argparse
import json
import os
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bare
import numpy as np
import torch

from sepmodels.errors import UserError
from sepmodels.machine.devices import choose_device
from sepmodels.machine.hardware import processor_name

Tracks = dict[str, list[np.ndarray]]  # by split; int16 (stream, channel, sample)
Part = tuple[str, float, Callable[[], Any]]  # its name, the least seconds that it wants, what gives its findings


@dataclass(frozen=True)
class Scale:
    """How large the measurements are: on a GPU as trainings are, on a CPU as small as they can be."""

    chunk_seconds: float
    batches: tuple[int, ...]
    steps: int  # of a speed, at least,
    least_seconds: float  # and so long
    curve_steps: int  # of a comparison of loss curves
    separated_seconds: tuple[float, ...]


SCALES = {
    "cuda": Scale(6.0, (16, 32), 20, 3.0, 200, (240.0, 3600.0)),
    "cpu": Scale(0.5, (2,), 2, 0.0, 6, (10.0,)),
}


@dataclass
class Bench:
    """What the parts are given. deadline: by time.monotonic()."""

    device: torch.device
    tracks: Tracks
    scale: Scale
    out: Path
    deadline: float
    recipe: str
    findings: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()

    def measure(self, parts: Iterator[Part], share: float) -> None:
        """Do the parts of a kind in their order, within a share of the time, and write down each with its seconds."""
        kept_free = (1 - share) * self.seconds_left
        for name, least_seconds, find in parts:
            if self.seconds_left - kept_free < least_seconds:
                self.note(name, {"skipped": f"{max(0.0, self.seconds_left - kept_free):.0f} s were left for it"}, 0.0)
                continue
            begun = time.perf_counter()
            try:
                found = find()
            except Exception as fault:  # the next part may work, and a machine is lent for minutes
                found = {"failed": f"{type(fault).__name__}: {fault}", "where": traceback.format_exc(limit=-3)}
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            self.note(name, found, time.perf_counter() - begun)

    def note(self, name: str, found: Any, seconds: float) -> None:
        """Keep what a part found in gpu.json, whole or not at all."""
        self.findings["parts"][name] = {"found": found, "seconds": round(seconds, 2)}
        temporary = self.out / ".tmp-gpu.json"
        temporary.write_text(json.dumps(self.findings, indent=1, default=str) + "\n", encoding="utf-8")
        temporary.replace(self.out / "gpu.json")
        print(f"{time.strftime('%H:%M:%S')} {name}: {json.dumps(found, default=str)[:300]}", flush=True)


def read_tracks(folder: Path) -> Tracks:
    """The arrays of both splits, mapped from their files."""
    found = {}
    for split in ("train", "valid"):
        files = sorted((folder / split).glob("*.npy"))
        if not files:
            raise UserError(f"{folder / split} has no .npy file: unpack the parcels of benchmarks/gpu_parcel.py there.")
        found[split] = [np.load(file, mmap_mode="r", allow_pickle=False) for file in files]
    return found


def about(device: torch.device, tracks: Tracks, minutes: float) -> dict[str, Any]:
    """What the findings are of."""
    on_gpu = device.type == "cuda"
    return {
        "device": str(device),
        "hardware": torch.cuda.get_device_name(device) if on_gpu else processor_name(),
        "memory_gib": round(torch.cuda.get_device_properties(device).total_memory / 2**30, 1) if on_gpu else None,
        "torch": torch.__version__,
        "cuda": torch.version.cuda if on_gpu else None,
        "threads": torch.get_num_threads(),
        "tracks": {split: len(arrays) for split, arrays in tracks.items()},
        "minutes": minutes,
        "not_installed": [name for name in bare.MISSING if "." not in name],
        "when": time.strftime("%Y-%m-%d"),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--minutes", type=float, default=9.0, help="in all, loading included (default: %(default)g)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--parts", nargs="+", choices=["right", "fast", "good"], default=["right", "fast", "good"])
    parser.add_argument("--recipe", default="band_split_rnn", help="the variant to train (default: %(default)s)")
    chosen = parser.parse_args()
    deadline = time.monotonic() + 60 * chosen.minutes
    device = choose_device(chosen.device)
    out = Path(os.environ.get("OUT", "."))
    out.mkdir(parents=True, exist_ok=True)
    tracks = read_tracks(chosen.data)
    bench = Bench(device, tracks, SCALES[device.type], out, deadline, chosen.recipe)
    bench.findings = {"about": about(device, tracks, chosen.minutes), "parts": {}}
    import gpu_fast
    import gpu_good
    import gpu_right

    kinds = {"right": (gpu_right, 0.5), "fast": (gpu_fast, 0.6), "good": (gpu_good, 1.0)}
    for name in chosen.parts:
        module, share = kinds[name]
        bench.measure(module.parts(bench), share if name != chosen.parts[-1] else 1.0)


if __name__ == "__main__":
    try:
        main()
    except UserError as fault:
        raise SystemExit(f"gpu.py: {fault}") from None
