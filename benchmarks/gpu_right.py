"""Is training on this device right: against the CPU, against itself, and when memory is short."""

import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.machine.devices import peak_memory_gib, prepare_device
from sepmodels.machine.memory import GIB
from sepmodels.models.architectures import build_model
from sepmodels.separation.separate import separate
from sepmodels.settings import Precision, SeparationSettings, TrainingSettings
from sepmodels.systems.variants import BASELINE, VARIANTS, Variant, find_variant
from sepmodels.training.batches import ChunkSampler
from sepmodels.training.losses import build_loss
from sepmodels.training.step import Learner, own_randomness, seed_step
from sepmodels.training.validation import Validation, memory_notes, validate

if TYPE_CHECKING:
    from gpu import Bench, Part

SEED = 42
SMALL_SECONDS, SMALL_BATCH = 1.0, 2
RELATIVE = 1e-4  # float32 on another device; sums in another order
SMALL_GPU_GB = 6.0
LONG_VALIDATION = 8  # times the clips that there are, so that they fill a batch


def parts(bench: "Bench") -> Iterator["Part"]:
    """In the order of worth."""
    yield "right/repeatable", 10, lambda: repeatable(bench, find_variant(BASELINE), ("32", "auto"))
    yield "right/feeding", 5, lambda: feeding(bench)
    on_cpu = bench.device.type == "cpu"  # of which the comparison is with itself: that it runs is all
    for variant in one_of_each_architecture() if on_cpu else VARIANTS.values():
        if not variant.name.endswith("_effect"):  # which differ in their batches alone
            yield f"right/as_on_the_cpu/{variant.name}", 10, lambda variant=variant: as_on_the_cpu(bench, variant)
    yield "right/half_precision", 20, lambda: half_precision(bench)
    yield "right/process_group", 5, lambda: process_group(bench)
    yield "right/validation_in_halves", 10, lambda: validation_in_halves(bench, find_variant(BASELINE))
    if on_cpu:
        return
    for variant in one_of_each_architecture():
        yield f"right/repeatable/{variant.name}", 10, lambda v=variant: repeatable(bench, v, ("auto",))
        for batch in bench.scale.batches:
            yield f"right/small_gpu/{variant.name}/{batch}", 10, lambda v=variant, b=batch: small_gpu(bench, v, b)


def one_of_each_architecture() -> list[Variant]:
    """The first variant of each."""
    return list({variant.architecture: variant for variant in reversed(list(VARIANTS.values()))}.values())[::-1]


def learner_of(variant: Variant, settings: TrainingSettings, device: torch.device) -> Learner:
    """A model that is ready to learn, with the same first weights each time."""
    prepare_device(device, settings.memory_budget_gb)
    torch.manual_seed(SEED)
    model = build_model(variant, sample_rate_hz=SAMPLE_RATE_HZ)
    return Learner(model, build_loss(variant), settings, learning_rate=variant.learning_rate, device=device)


def sampler_of(bench: "Bench", settings: TrainingSettings) -> ChunkSampler:
    """Batches of the training tracks."""
    return ChunkSampler(bench.tracks["train"], settings, seed=SEED, device=bench.device, sample_rate_hz=SAMPLE_RATE_HZ)


def losses_of(
    bench: "Bench",
    variant: Variant,
    settings: TrainingSettings,
    steps: int,
    interrupted_after: int = 0,
    draws: int = SEED,
) -> list[float]:
    """The losses of a variant's first steps; interrupted, a new learner goes on from the state of the first.

    draws: the seed of dropout's. The batches are always the same.
    """
    learner, sampler = learner_of(variant, settings, bench.device), sampler_of(bench, settings)
    losses = []
    with own_randomness(draws, bench.device):
        for step in range(steps):
            if interrupted_after and step == interrupted_after:
                state, drawn = learner.state_dict(), sampler.state_dict()
                sampler.close()
                learner, sampler = learner_of(variant, settings, bench.device), sampler_of(bench, settings)
                learner.load_state_dict(state)
                sampler.load_state_dict(drawn)
            mixture, target = sampler.next_batch()
            seed_step(draws, step, 0)
            losses.append(learner.step(mixture, target))
    sampler.close()
    return torch.stack(losses).tolist()


def repeatable(bench: "Bench", variant: Variant, precisions: tuple[Precision, ...]) -> dict[str, Any]:
    """The same seed twice, and once interrupted in the middle, bit for bit."""
    found = {}
    steps = min(20, bench.scale.curve_steps)
    for precision in precisions:
        settings = TrainingSettings(
            batch=bench.scale.batches[0], chunk_seconds=bench.scale.chunk_seconds, precision=precision
        )
        first = losses_of(bench, variant, settings, steps)
        again = losses_of(bench, variant, settings, steps)
        resumed = losses_of(bench, variant, settings, steps, interrupted_after=steps // 2)
        found[precision] = {
            "twice_the_same": first == again,
            "the_same_after_a_resume": first == resumed,
            "losses": [first[0], first[-1]],
        }
    return found


def feeding(bench: "Bench") -> dict[str, bool]:
    """Whether batches from the device's memory, from the host's and from files are equal."""
    batches = {}
    for place in ("disk", "host", "device"):
        settings = TrainingSettings(batch=4, chunk_seconds=bench.scale.chunk_seconds, feeding=place)
        sampler = sampler_of(bench, settings)
        batches[place] = [torch.stack(sampler.next_batch()).cpu() for _ in range(3)]
        sampler.close()
    return {
        place: all(torch.equal(one, other) for one, other in zip(batches["disk"], batches[place], strict=True))
        for place in ("host", "device")
    }


def as_on_the_cpu(bench: "Bench", variant: Variant) -> dict[str, Any]:
    """How far estimate, loss and gradients of a batch differ from the CPU's, relative to the largest value of each."""
    settings = TrainingSettings(batch=SMALL_BATCH, chunk_seconds=SMALL_SECONDS, precision="32")
    sampler = sampler_of(bench, settings)
    batch = tuple(one.cpu() for one in sampler.next_batch())
    sampler.close()
    wanted = results_of(variant, settings, torch.device("cpu"), *batch)
    found = {"as_trained": distances(wanted, results_of(variant, settings, bench.device, *batch))}
    if bench.device.type == "cuda":  # cuDNN rounds the factors of float32 products to 10 bits, unless told not to
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            found["without_tf32"] = distances(wanted, results_of(variant, settings, bench.device, *batch))
    return found


def results_of(
    variant: Variant, settings: TrainingSettings, device: torch.device, mixture: Tensor, target: Tensor
) -> dict[str, Tensor]:
    """Estimate, loss and gradients, on the CPU."""
    learner = learner_of(variant, settings, device)
    for module in learner.model.modules():
        if isinstance(module, nn.Dropout | nn.LSTM):
            module.dropout = module.p = 0.0  # whose draws are other ones on each kind of device
    estimate = learner.plain(mixture.to(device))
    loss = learner.loss(estimate, target.to(device))
    loss.backward()
    gradients = {name: one.grad.cpu() for name, one in learner.model.named_parameters() if one.grad is not None}
    return {"estimate": estimate.waveform.detach().cpu(), "loss": loss.detach().cpu(), **gradients}


def distances(wanted: dict[str, Tensor], found: dict[str, Tensor]) -> dict[str, Any]:
    """The largest relative differences, of gradients that of all together and the worst parameter's."""
    apart = {name: relative(found[name], one) for name, one in wanted.items()}
    names = list(apart)[2:]
    worst = max(names, key=lambda name: apart[name])
    together = [torch.cat([results[name].flatten() for name in names]) for results in (found, wanted)]
    norm = float((together[0] - together[1]).norm() / together[1].norm())
    return {
        "estimate": apart["estimate"],
        "loss": apart["loss"],
        "gradient_norm": norm,
        "gradients": apart[worst],
        "worst": worst,
        "within": max(apart["estimate"], apart["loss"], norm) < RELATIVE,
    }


def relative(value: Tensor, wanted: Tensor) -> float:
    """The largest difference, relative to the largest value."""
    return float((value - wanted).abs().max() / wanted.abs().max().clamp(min=1e-12))


def half_precision(bench: "Bench") -> dict[str, Any]:
    """Whether bfloat16 leaves no gradient zero or infinite, and its loss curve within noise of float32's.

    All curves see the same batches. The noise is what other draws of dropout change of float32's curve.
    """
    variant = find_variant(BASELINE)
    shape = {"batch": bench.scale.batches[0], "chunk_seconds": bench.scale.chunk_seconds}
    half = TrainingSettings(**shape, precision="bf16")
    learner, sampler = learner_of(variant, half, bench.device), sampler_of(bench, half)
    learner.step(*sampler.next_batch())
    sampler.close()
    grads = {name: one.grad for name, one in learner.model.named_parameters() if one.grad is not None}
    single, steps = TrainingSettings(**shape, precision="32"), bench.scale.curve_steps
    plans = {"32": (single, SEED), "bf16": (half, SEED), "32, other draws": (single, SEED + 1)}
    last = {
        name: np.array(losses_of(bench, variant, settings, steps, draws=draws))[-max(2, steps // 4) :]
        for name, (settings, draws) in plans.items()
    }
    apart = {name: float(np.abs(curve - last["32"]).mean()) for name, curve in last.items() if name != "32"}
    return {
        "zero_gradients": [name for name, one in grads.items() if not one.any()],
        "infinite_gradients": [name for name, one in grads.items() if not one.isfinite().all()],
        "last_quarter": {name: float(curve.mean()) for name, curve in last.items()},
        "apart_from_float32": apart,
        "within_noise": apart["bf16"] <= apart["32, other draws"],
    }


def process_group(bench: "Bench") -> dict[str, Any]:
    """One process in a group, as several would talk: NCCL on a GPU."""
    backend = "nccl" if bench.device.type == "cuda" else "gloo"
    with tempfile.TemporaryDirectory() as folder:
        dist.init_process_group(backend, init_method=f"file://{folder}/meet", rank=0, world_size=1)
        value = torch.arange(4.0, device=bench.device)
        dist.all_reduce(value)
        dist.destroy_process_group()
    return {"backend": backend, "sum_is_right": value.tolist() == [0.0, 1.0, 2.0, 3.0]}


def validation_of(bench: "Bench", learner: Learner) -> Validation:
    """As in a training, of enough music to fill a batch."""
    with learner.autocast():
        return validate(
            learner.best,
            learner.loss,
            LONG_VALIDATION * bench.tracks["valid"],
            device=bench.device,
            sample_rate_hz=SAMPLE_RATE_HZ,
            batch_seconds=max(60.0, learner.settings.batch * learner.settings.chunk_seconds),
        )


def validation_in_halves(bench: "Bench", variant: Variant) -> dict[str, Any]:
    """Whether a validation with half of the memory that it took goes on, says so, and gives the same figures.

    A CPU has no limit of its own: there the model refuses what is more than half of the largest batch.
    """
    settings = TrainingSettings(batch=bench.scale.batches[0], precision="32")
    learner = learner_of(variant, settings, bench.device)
    largest = 0

    def follow(_model: nn.Module, given: tuple[Tensor, ...]) -> None:
        nonlocal largest
        largest = max(largest, len(given[0]))

    def refuse(_model: nn.Module, given: tuple[Tensor, ...]) -> None:
        if len(given[0]) > largest // 2:
            raise torch.OutOfMemoryError("More than half of the largest batch.")

    with learner.best.register_forward_pre_hook(follow):
        roomy = validation_of(bench, learner)
    if bench.device.type == "cuda":
        taken = [torch.cuda.memory_allocated(bench.device) / GIB, peak_memory_gib(bench.device)]
        prepare_device(bench.device, sum(taken) / 2)
        halved = validation_of(bench, learner)
    else:
        with learner.best.register_forward_pre_hook(refuse):
            halved = validation_of(bench, learner)
    found = {"notes": memory_notes(learner.best), "validation_gib": peak_memory_gib(bench.device)}
    prepare_device(bench.device, None)
    return {**found, "losses": [roomy.loss, halved.loss], "within": abs(halved.loss / roomy.loss - 1) < RELATIVE}


def small_gpu(bench: "Bench", variant: Variant, batch: int) -> dict[str, Any]:
    """Steps, a validation and a separation with the memory of a small GPU: what each took, and what was done for it."""
    settings = TrainingSettings(batch=batch, memory_budget_gb=SMALL_GPU_GB)
    found: dict[str, Any] = {}
    try:
        learner, sampler = learner_of(variant, settings, bench.device), sampler_of(bench, settings)
        for _ in range(2):
            learner.step(*sampler.next_batch())
        sampler.close()
        found |= {"step_gib": peak_memory_gib(bench.device), "notes": learner.notes, "feeding": sampler.feeding}
        torch.cuda.reset_peak_memory_stats(bench.device)
        validation_of(bench, learner)
        found |= {"validation_gib": peak_memory_gib(bench.device), "validation_notes": memory_notes(learner.best)}
        noise = np.random.default_rng(0).standard_normal((2, 240 * SAMPLE_RATE_HZ), dtype=np.float32) / 10
        torch.cuda.reset_peak_memory_stats(bench.device)
        separate(learner.model, noise, SeparationSettings(), device=bench.device)
        return {**found, "separation_gib": peak_memory_gib(bench.device)}
    except (UserError, torch.OutOfMemoryError) as fault:
        return {**found, "refused": f"{type(fault).__name__}: {str(fault)[:300]}"}
    finally:
        prepare_device(bench.device, None)
