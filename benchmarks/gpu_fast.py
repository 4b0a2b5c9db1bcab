"""How fast trainings and separations are on this device, how much memory they take, and how busy a GPU is."""

import itertools
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gpu_right import learner_of, one_of_each_architecture, sampler_of

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.machine.devices import peak_memory_gib, prepare_device
from sepmodels.models.architectures import build_model
from sepmodels.separation.separate import separate
from sepmodels.settings import SeparationSettings, TrainingSettings
from sepmodels.systems.variants import BASELINE, Variant, find_variant

if TYPE_CHECKING:
    from gpu import Bench, Part

EPOCH_CHUNKS = 64 * 86  # an epoch of Open-Unmix's training on MUSDB18
WARM_UP_STEPS = 3


def parts(bench: "Bench") -> Iterator["Part"]:
    """First every architecture as it is trained by default, then other precisions, then separation."""
    variants = one_of_each_architecture()
    batches = bench.scale.batches
    plans = list(itertools.product(("auto",), (False,), batches, variants))
    if bench.device.type == "cuda":  # on a CPU the default is float32, and compiling takes longer than the rest
        plans += itertools.product(("32",), (False,), batches[:1], variants)
        plans += itertools.product(("auto",), (True,), batches[:1], variants)
    for precision, compiled, batch, variant in plans:
        name = f"fast/training/{variant.name}/{batch}/{precision}{'/compiled' if compiled else ''}"
        plan = (variant, batch, precision, compiled)
        yield name, 45 if compiled else 8, lambda plan=plan: training_speed(bench, *plan)
    for seconds in bench.scale.separated_seconds:
        yield f"fast/separation/{seconds:g}", 10, lambda seconds=seconds: separation_speed(bench, seconds)


def training_speed(bench: "Bench", variant: Variant, batch: int, precision: str, compiled: bool) -> dict[str, Any]:
    """Chunks a second, an epoch of MUSDB18, the most memory, the share of time on data, and how busy the GPU was."""
    settings = TrainingSettings(
        batch=batch, chunk_seconds=bench.scale.chunk_seconds, precision=precision, compile=compiled
    )
    learner, sampler = learner_of(variant, settings, bench.device), sampler_of(bench, settings)
    for _ in range(WARM_UP_STEPS):
        learner.step(*sampler.next_batch())
    wait_for(bench.device)
    waited, begun = 0.0, time.perf_counter()
    with Busy(bench.device) as busy:
        for _ in range(bench.scale.steps):
            asked = time.perf_counter()
            batch_of = sampler.next_batch()
            waited += time.perf_counter() - asked
            learner.step(*batch_of)
        wait_for(bench.device)
    seconds = time.perf_counter() - begun
    sampler.close()
    rate = batch * bench.scale.steps / seconds
    return {
        "variant": variant.name,
        "batch": batch,
        "precision": learner.precision,
        "compiled": learner.run is not learner.plain,
        "chunk_seconds": bench.scale.chunk_seconds,
        "chunks_per_second": rate,
        "epoch_seconds": EPOCH_CHUNKS / rate,
        "data_share": waited / seconds,
        "peak_gib": peak_memory_gib(bench.device),
        "busy_percent": busy.percent,
        "feeding": sampler.feeding,
        "notes": learner.notes,
    }


def separation_speed(bench: "Bench", seconds: float) -> dict[str, Any]:
    """Seconds and memory to separate noise of that length with the baseline."""
    prepare_device(bench.device, None)
    rng = np.random.default_rng(0)
    mixture = rng.standard_normal((2, round(seconds * SAMPLE_RATE_HZ)), dtype=np.float32) / 10
    model = build_model(find_variant(BASELINE))
    separate(model, mixture[:, : 5 * SAMPLE_RATE_HZ], SeparationSettings(), device=bench.device)
    begun = time.perf_counter()
    separate(model, mixture, SeparationSettings(), device=bench.device)
    return {
        "music_seconds": seconds,
        "seconds": time.perf_counter() - begun,
        "peak_gib": peak_memory_gib(bench.device),
    }


def wait_for(device: torch.device) -> None:
    """Until the device has done what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Busy:
    """How busy a GPU is within a block, by nvidia-smi, which every driver brings.

    percent: the mean share of time with a kernel at work; None on a CPU, or where nvidia-smi does not answer.
    """

    COMMAND = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "100")

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.samples: list[float] = []
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Busy":
        if self.device.type == "cuda":
            try:
                command = [*self.COMMAND, "-i", str(torch.cuda.get_device_properties(self.device).uuid)]
                self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            except OSError:
                return self
            self.thread = threading.Thread(target=self._read, daemon=True)
            self.thread.start()
        return self

    def _read(self) -> None:
        assert self.process is not None
        for line in self.process.stdout or ():
            if line.strip().isdigit():
                self.samples.append(float(line))

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.thread.join()

    @property
    def percent(self) -> float | None:
        return statistics.mean(self.samples) if self.samples else None
