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
from sepmodels.settings import Precision, SeparationSettings, TrainingSettings
from sepmodels.systems.variants import BASELINE, Variant, find_variant

if TYPE_CHECKING:
    from gpu import Bench, Part

EPOCH_CHUNKS = 64 * 86  # an epoch of Open-Unmix's training on MUSDB18
WARM_UP_STEPS = 3
STEPS_AHEAD = 10  # of the CPU, before it waits for the GPU, so that the time is the GPU's
PROFILED_STEPS = 3
TOP = 10  # kernels, and operators of the CPU, that a profile names


def parts(bench: "Bench") -> Iterator["Part"]:
    """First every architecture as it is trained by default, then other precisions, then separation."""
    variants = one_of_each_architecture()
    batches = bench.scale.batches
    plans = list(itertools.product(("auto",), (False,), batches, variants))
    if bench.device.type == "cuda":  # on a CPU the default is float32, and compiling takes longer than the rest
        plans += itertools.product(("32",), (False,), batches[:1], variants)
    for plan in plans:
        yield speed_part(bench, *plan)
    for seconds in bench.scale.separated_seconds:
        yield f"fast/separation/{seconds:g}", 10, lambda seconds=seconds: separation_speed(bench, seconds)
    for variant in variants:
        yield f"fast/profile/{variant.name}", 10, lambda variant=variant: profile(bench, variant)
    if bench.device.type == "cuda":
        for variant in variants:
            yield speed_part(bench, "auto", True, batches[0], variant)


def speed_part(bench: "Bench", precision: Precision, compiled: bool, batch: int, variant: Variant) -> "Part":
    """One measurement of a training."""
    name = f"fast/training/{variant.name}/{batch}/{precision}{'/compiled' if compiled else ''}"
    return name, 45 if compiled else 8, lambda: training_speed(bench, variant, batch, precision, compiled)


def training_speed(
    bench: "Bench", variant: Variant, batch: int, precision: Precision, compiled: bool
) -> dict[str, Any]:
    """Chunks a second, an epoch of MUSDB18, the most memory, the share of time on data, and how busy the GPU was."""
    settings = TrainingSettings(
        batch=batch, chunk_seconds=bench.scale.chunk_seconds, precision=precision, compile=compiled
    )
    learner, sampler = learner_of(variant, settings, bench.device), sampler_of(bench, settings)
    for _ in range(WARM_UP_STEPS):
        learner.step(*sampler.next_batch())
    wait_for(bench.device)
    steps, waited, begun = 0, 0.0, time.perf_counter()
    with Busy(bench.device) as busy:
        while steps < bench.scale.steps or time.perf_counter() - begun < bench.scale.least_seconds:
            asked = time.perf_counter()
            batch_of = sampler.next_batch()
            waited += time.perf_counter() - asked
            learner.step(*batch_of)
            steps += 1
            if steps % STEPS_AHEAD == 0:
                wait_for(bench.device)
        wait_for(bench.device)
        seconds = time.perf_counter() - begun
    sampler.close()
    rate = batch * steps / seconds
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


def profile(bench: "Bench", variant: Variant) -> dict[str, Any]:
    """What a step's time goes into: kernels of the GPU, and operators of the CPU, by torch's own profiler.

    The trace of the GPU that is the least busy is kept, to be opened at https://ui.perfetto.dev.
    """
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiled

    on_gpu = bench.device.type == "cuda"
    settings = TrainingSettings(batch=bench.scale.batches[0], chunk_seconds=bench.scale.chunk_seconds)
    learner, sampler = learner_of(variant, settings, bench.device), sampler_of(bench, settings)
    for _ in range(WARM_UP_STEPS):
        learner.step(*sampler.next_batch())
    wait_for(bench.device)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profiled(activities=activities) as profiler:
        for _ in range(PROFILED_STEPS):
            learner.step(*sampler.next_batch())
        wait_for(bench.device)
    sampler.close()
    rows = profiler.key_averages()
    kernels = [row for row in rows if row.device_type != torch.profiler.DeviceType.CPU]  # type: ignore[attr-defined]
    operators = [row for row in rows if row.device_type == torch.profiler.DeviceType.CPU]  # type: ignore[attr-defined]
    if variant.name == least_busy(bench):
        profiler.export_chrome_trace(str(bench.out / f"trace-{variant.name}.json.gz"))
    per_step = 1000 * PROFILED_STEPS
    return {
        "kernels": sum(row.count for row in kernels) / PROFILED_STEPS,
        "kernel_ms": sum(row.self_device_time_total for row in kernels) / per_step,
        "operator_ms": sum(row.self_cpu_time_total for row in operators) / per_step,
        "top_kernels": {
            row.key[:80]: [round(row.self_device_time_total / per_step, 3), row.count / PROFILED_STEPS]
            for row in sorted(kernels, key=lambda row: -row.self_device_time_total)[:TOP]
        },
        "top_operators": {
            row.key[:80]: [round(row.self_cpu_time_total / per_step, 3), row.count / PROFILED_STEPS]
            for row in sorted(operators, key=lambda row: -row.self_cpu_time_total)[:TOP]
        },
    }


def least_busy(bench: "Bench") -> str | None:
    """The variant in whose training the GPU was the least busy, of those that were measured."""
    found = [part["found"] for name, part in bench.findings["parts"].items() if name.startswith("fast/training/")]
    known = [one for one in found if one.get("busy_percent") is not None]
    return min(known, key=lambda one: one["busy_percent"])["variant"] if known else None


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
