"""Our scorer against museval on the same tracks: seconds, peak memory and the largest difference.

    python benchmarks/scoring.py                # every case; museval takes a few minutes
    python benchmarks/scoring.py --cases clip   # only some

Tracks are joined from MUSDB18's seven-second clips (--data, or SEPBENCH_MUSDB18_7S). Estimates are the true
sources with leaks and noise, float32 as they are on disk; references are int16. Each measurement is a process of
its own; its memory is the peak resident set, inputs and interpreter included. museval has nothing to share
between variants, so it is measured on one.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from sepmodels.audio import SAMPLE_RATE_HZ  # noqa: E402
from sepmodels.audio.io import decode_int16, stem_file_headers  # noqa: E402
from sepmodels.scoring.bsseval import bsseval_scores  # noqa: E402
from sepmodels.scoring.by_museval import museval_scores  # noqa: E402

DEFAULT_DATA = Path(os.environ.get("SEPBENCH_MUSDB18_7S", PROJECT / "../shared/data/musdb18-7s"))
MUSDB18_TEST_SECONDS = 3.46 * 3600


@dataclass(frozen=True)
class Case:
    """A track to score: how long, how many variants, vocals and accompaniment or all four stems."""

    name: str
    seconds: float
    variants: int = 1
    four_targets: bool = False


CASES = (
    Case("clip", 6.8),
    Case("4 min", 240),
    Case("4 min x 5 variants", 240, variants=5),
    Case("1 min, 4 targets", 60, four_targets=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--cases", nargs="+", choices=[case.name for case in CASES], default=[c.name for c in CASES])
    parser.add_argument("--task", nargs=2, metavar=("TASK", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    chosen = [case for case in CASES if case.name in options.cases]
    if options.task:
        task, folder = options.task
        found = prepare(chosen[0], options.data, Path(folder)) if task == "prepare" else measure(task, Path(folder))
        print(json.dumps(found))
        return
    heads = ["track", "ours, s (CPU s)", "museval, s a variant (CPU s)", "times faster a variant", "ours, GiB"]
    heads += ["museval, GiB", "largest difference, dB"]
    print("| " + " | ".join(heads) + " |\n|---" + "|---:" * (len(heads) - 1) + "|", flush=True)
    for case in chosen:
        run(case, options.data)


def run(case: Case, data: Path) -> None:
    """Prepare a case's files, measure each scorer in its own process and print a row."""
    with tempfile.TemporaryDirectory() as folder:
        child("prepare", folder, case, data)
        ours, authority = (child(scorer, folder, case, data) for scorer in ("ours", "museval"))
        scores, expected = (np.load(Path(folder) / f"{scorer}_scores.npy")[0] for scorer in ("ours", "museval"))
    same = np.array_equal(np.isnan(scores), np.isnan(expected))
    cells = [
        case.name,
        f"{ours['seconds']:.2f} ({ours['cpu_seconds']:.2f})",
        f"{authority['seconds']:.1f} ({authority['cpu_seconds']:.1f})",
        f"{authority['seconds'] / ours['seconds'] * case.variants:.0f}",
        f"{ours['gib']:.2f}",
        f"{authority['gib']:.2f}",
        f"{np.nanmax(np.abs(scores - expected)):.1e}" if same else "NaN in other windows",
    ]
    print("| " + " | ".join(cells) + " |", flush=True)
    if case.variants > 1:
        minutes = ours["seconds"] / case.seconds * MUSDB18_TEST_SECONDS / 60
        hours = authority["seconds"] * case.variants / case.seconds * MUSDB18_TEST_SECONDS / 3600
        print(
            f"\nMUSDB18's test set ({MUSDB18_TEST_SECONDS / 3600:.2f} h), {case.variants} variants, extrapolated from "
            f"this track: ours {minutes:.1f} min, museval {hours:.1f} h.\n"
        )


def child(task: str, folder: str, case: Case, data: Path) -> dict[str, float]:
    """Run one task in a new process, whose peak memory is then its own; returns what it measured."""
    command = [sys.executable, __file__, "--task", task, folder, "--cases", case.name, "--data", str(data)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def prepare(case: Case, data: Path, folder: Path) -> dict[str, float]:
    """Write the references (int16) and the estimates of every variant (float32) of a case."""
    samples = int(case.seconds * SAMPLE_RATE_HZ)
    parts: list[np.ndarray] = []
    for path in sorted((data / "test").glob("*.stem.mp4")):
        if sum(part.shape[-1] for part in parts) >= samples:
            break
        parts.append(decode_int16(path, stem_file_headers(path))[1:])
    stems = np.concatenate(parts, axis=-1)[..., :samples]
    sources = stems.astype(np.int32)
    if not case.four_targets:
        sources = np.stack([sources[3], sources[:3].sum(axis=0)])
    reference = sources.clip(-32_768, 32_767).astype(np.int16)
    np.save(folder / "reference.npy", reference)
    sound = reference.astype(np.float32) / 32_768
    for variant in range(case.variants):
        rng = np.random.default_rng(variant)
        noise = 0.02 * rng.standard_normal(sound.shape, dtype=np.float32) * np.abs(sound)
        leaks = 0.1 * np.roll(sound.sum(axis=0) - sound, 3 + variant, axis=-1)
        np.save(folder / f"estimate_{variant}.npy", (0.9 * sound + leaks + noise).astype(np.float32))
    return {}


def measure(scorer: str, folder: Path) -> dict[str, float]:
    """Score the files of a folder: seconds, CPU seconds and peak memory."""
    reference = np.load(folder / "reference.npy")
    paths = sorted(folder.glob("estimate_*.npy"))
    estimates = [np.load(path) for path in (paths if scorer == "ours" else paths[:1])]
    if scorer == "museval":
        import museval  # noqa: F401 - its import is not scoring
    started, cpu_started = time.perf_counter(), time.process_time()
    score = bsseval_scores if scorer == "ours" else score_by_museval
    scores = score(reference, estimates, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    np.save(folder / f"{scorer}_scores.npy", np.stack(scores))
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "gib": gib}


def score_by_museval(
    reference: np.ndarray, estimates: list[np.ndarray], window_samples: int, hop_samples: int
) -> list[np.ndarray]:
    """museval's scores of every estimate."""
    return [museval_scores(reference, estimate, window_samples, hop_samples) for estimate in estimates]


if __name__ == "__main__":
    main()
