#!/usr/bin/env python3
"""Kills a benchmark again and again, at random, and says whether it ends as one that nobody disturbed.

A small benchmark of two variants runs by ``sepbench run``. Each turn kills (``kill -9``) one victim at a random
moment: the command, the process that watches it, the run's leader, Dagster's forkserver, a step, ffmpeg, or all of them
as a power cut does; between turns a random product is removed. It fails when a command does not end, when a process
is left, when a run is left open, or when a product is another file than the undisturbed benchmark's.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil
import soundfile

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from assets.paths import Paths  # noqa: E402
from sepmodels.files import hash_file  # noqa: E402

PROFILE = "folder"
VARIANTS = ("open_unmix", "l1_loss")
SETTINGS = {
    "training.steps": "30",
    "training.batch": "2",
    "training.chunk_seconds": "1",
    "training.chunks_per_track": "4",
    "separation.segment_seconds": "10",
    "report.tracks": "1",
}
TRIES = 3  # to meet a victim that may not show itself in time
VICTIMS = ("command", "watcher", "leader", "forkserver", "step", "ffmpeg", "all")
APPEARS_SECONDS = 90.0  # a victim that has not shown itself by then is not waited for
ENDS_SECONDS = 600.0  # a command that has not ended by then hangs
KEPT = ("*.parquet", "stems/*/*.npy", "checkpoints/*/*/model.safetensors", "estimates/*/*/*/*.wav", "scores/*.parquet")


def write_dataset(folder: Path) -> None:
    """Four training and two test tracks of four seconds, the voice and one other stem; the stereo mixes as FLAC."""
    for number in range(6):
        draw = np.random.default_rng(number)
        seconds = np.arange(4 * 44_100) / 44_100
        voice = 0.2 * np.sign(np.sin(3 * seconds)) * np.sin(2 * np.pi * draw.uniform(150, 400) * seconds)
        other = 0.1 * draw.standard_normal((len(seconds), 2))
        track = folder / ("train" if number < 4 else "test") / f"song {number}"
        track.mkdir(parents=True)
        soundfile.write(track / "vocals.flac", np.stack([voice, voice], axis=1), 44_100)
        soundfile.write(track / "other.flac", other, 44_100)


class Refresh:
    """``sepbench run`` as a terminal would start it."""

    def __init__(self, dataset: Path, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.data, self.log = data, data.parent / f"{data.name}.txt"
        words = ["run", "-p", PROFILE, "--dataset", str(dataset), "--data", str(data)]
        words += [word for name in VARIANTS for word in ("--only", name)]
        words += [word for pair in SETTINGS.items() for word in ("--set", "=".join(pair))]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from pipelines.cli import main; main()", *words],
                cwd=PROJECT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def end(self) -> int:
        """Its exit status; raises AssertionError, with what it printed, when it does not end."""
        try:
            return self.process.wait(ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"It hangs: {self.printed()}") from None

    def printed(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def family(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            command = psutil.Process(self.process.pid)
            return [command, *command.children(recursive=True)]
        return []

    def victims(self, kind: str) -> list[psutil.Process]:
        """The processes of that kind that there are now."""
        family = self.family()
        if kind == "all":
            return family
        return [process for process in family if _kind(process, self.process.pid) == kind]


def _kind(process: psutil.Process, command: int) -> str:
    try:
        words = " ".join(process.cmdline())
        if process.pid == command:
            return "command"
        if "pipelines.running.processes" in words:
            return "watcher"
        if "pipelines.running.execute" in words:
            return "leader"
        if "multiprocessing.forkserver" in words:
            parent = process.parent()
            return "step" if parent and "multiprocessing.forkserver" in " ".join(parent.cmdline()) else "forkserver"
        return "ffmpeg" if process.name() in ("ffmpeg", "ffprobe") else ""
    except psutil.Error:
        return ""


def kill(refresh: Refresh, kind: str, draw: random.Random) -> bool:
    """Kill a victim of that kind within a few seconds of when one is seen; whether there was one."""
    until = time.monotonic() + APPEARS_SECONDS
    while not refresh.victims(kind):
        if refresh.process.poll() is not None or time.monotonic() > until:
            return False
        time.sleep(0.005)
    time.sleep(0 if kind == "ffmpeg" else draw.uniform(0, 12))
    if kind == "all":
        return len(cut_power(refresh)) > 1
    found = refresh.victims(kind)
    if not found:
        return False
    with contextlib.suppress(psutil.NoSuchProcess):
        draw.choice(found).kill()
    return True


def cut_power(refresh: Refresh) -> set[psutil.Process]:
    """Kill the command with all its processes at one moment, as a power cut does; gives them."""
    stopped: set[psutil.Process] = set()
    while started := set(refresh.family()) - stopped:  # also what one that was not yet stopped has started meanwhile
        for process in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        stopped |= started
    for process in stopped:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return stopped


def products(data: Path) -> dict[str, str]:
    """The hash of every product that holds no time, by its place."""
    root = Paths(data, PROFILE).root
    files = {file for pattern in KEPT for file in root.glob(pattern)}
    return {str(file.relative_to(root)): hash_file(file) for file in sorted(files)}


def remove_one(data: Path, draw: random.Random) -> str:
    """Remove a product, as somebody might; gives its name."""
    names = list(products(data))
    name = draw.choice(names) if names else ""
    if name:
        (Paths(data, PROFILE).root / name).unlink()
    return name


def check_nothing_runs(data: Path) -> None:
    """Raise AssertionError when a process of the benchmark is left a while after its command has ended."""
    left: list[str] = []
    for _ in range(900):
        left = [" ".join(process.cmdline()) for process in psutil.process_iter() if _works_on(process, data)]
        if not left:
            return
        time.sleep(0.1)
    raise AssertionError(f"Left behind: {left}")


def _works_on(process: psutil.Process, data: Path) -> bool:
    try:
        return process.environ().get("SEPBENCH_DATA") == str(data) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def check_nothing_is_open(data: Path) -> None:
    """Raise AssertionError for a run of Dagster or MLflow that is left open, a slot in use, a file half written."""
    import dagster as dg

    from assets.tracking.store import open_store

    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        left = [f"{run.run_id} {run.status.value}" for run in instance.get_runs() if not run.is_finished]
        pool = instance.event_log_storage.get_concurrency_info("gpu")
    client = open_store(data / "mlflow")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    left += [run.info.run_id for run in client.search_runs(experiments, "attributes.status = 'RUNNING'")]
    left += [str(slot) for slot in (*pool.claimed_slots, *pool.pending_steps)]
    left += [str(path) for path in data.rglob(".tmp-*")]
    assert not left, f"Left open: {left}"


def disturb(
    folder: Path,
    kills: int,
    draw: random.Random,
    kinds: Sequence[str] = VICTIMS,
    say: Callable[[str], None] = print,
) -> Counter[str]:
    """Kill so many times, at first each kind once, then let the benchmark end; gives how many of each were killed.

    Raises AssertionError for whatever is not as it was in the benchmark that nobody disturbed.
    """
    dataset, calm, data = folder / "dataset", folder / "calm", folder / "disturbed"
    write_dataset(dataset)
    undisturbed = Refresh(dataset, calm)
    assert undisturbed.end() == 0, undisturbed.printed()
    wanted = products(calm)
    killed: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    while killed.total() < kills and tried.total() < kills * 10:
        missing = (one for one in kinds if not killed[one] and tried[one] < TRIES)
        kind = next(missing, None) or draw.choice(kinds)
        tried[kind] += 1
        begun, refresh = time.monotonic(), Refresh(dataset, data)
        killed[kind] += kill(refresh, kind, draw)
        status = refresh.end()
        check_nothing_runs(data)
        gone = remove_one(data, draw) if draw.random() < 0.5 or status == 0 else ""
        say(f"{killed.total():3} {kind}: status {status}, {time.monotonic() - begun:.0f} s; removed: {gone or '-'}")
    last = Refresh(dataset, data)
    assert last.end() == 0, last.printed()
    check_nothing_runs(data)
    check_nothing_is_open(data)
    found = products(data)
    differ = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    assert not differ, f"Not the files of the benchmark that nobody disturbed: {differ}"
    return killed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.pop("SEPBENCH_DATA", None)
    with tempfile.TemporaryDirectory(prefix="sepbench-kills-") as folder:
        say = lambda sentence: print(sentence, flush=True)  # noqa: E731
        killed = disturb(Path(folder).resolve(), arguments.kills, random.Random(arguments.seed), say=say)
    listed = ", ".join(f"{kind} {count}" for kind, count in killed.items())
    print(f"{killed.total()} kills ({listed}): every command ended, nothing is open, every file is the same.")


if __name__ == "__main__":
    main()
