"""What a training step of Open-Unmix costs: ours beside open-unmix's own loop, on the same tracks and cores.

    python benchmarks/training.py                      the baseline against its peer
    python benchmarks/training.py --variants all       every variant at batch 16 and 32 instead
    python benchmarks/training.py --variants all --memory-budget-gb 6

A step is: a batch, forward, loss, backward, Adam. Each contestant has a process of its own, and they take turns.
The later forms also say how much memory a variant takes (of the GPU, or of the process) and how busy the GPU was.
"""

import argparse
import multiprocessing as mp
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from make_full_length import CLIPS, make_full_length
from peers import CHUNK, load_tracks, openunmix_dataset

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.machine.devices import choose_device, peak_memory_gib, prepare_device
from sepmodels.models.architectures import build_model
from sepmodels.settings import TrainingSettings
from sepmodels.systems.variants import BASELINE, VARIANTS, find_variant
from sepmodels.training.batches import ChunkSampler
from sepmodels.training.losses import build_loss
from sepmodels.training.step import Learner

MUSDB18_CHUNKS = 64 * 86  # an epoch of Open-Unmix's training on MUSDB18
Step = Callable[[], float]  # one step; returns the seconds of it that went by waiting for data


def our_step(work: Path, device: torch.device, variant: str = BASELINE, **changes: object) -> Step:
    """Sampler and learner, as :func:`sepmodels.training.train.train` uses them."""
    settings = TrainingSettings(**changes)
    prepare_device(device, settings.memory_budget_gb)
    tracks = load_tracks(sorted((work / "full_length/train").iterdir()), work / "full_length_cache")
    sampler = ChunkSampler(tracks, settings, seed=0, device=device, sample_rate_hz=SAMPLE_RATE_HZ)
    chosen = find_variant(variant)
    learner = Learner(build_model(chosen), build_loss(chosen), settings, learning_rate=1e-3, device=device)

    def step() -> float:
        begun = time.perf_counter()
        mixture, target = sampler.next_batch()
        waited = time.perf_counter() - begun
        learner.step(mixture, target).item()
        return waited

    return step


def peer_step(work: Path, device: torch.device, *, loader: bool, batch: int = 16) -> Step:
    """open-unmix's model and training loop, with its loader or with one batch that is in memory already."""
    from openunmix import model, transforms

    stft, _ = transforms.make_filterbanks(n_fft=4096, n_hop=1024, sample_rate=SAMPLE_RATE_HZ)
    encoder = torch.nn.Sequential(stft, model.ComplexNorm(mono=False)).to(device)
    unmix = model.OpenUnmix(nb_bins=2049, nb_channels=2, hidden_size=512, max_bin=1487).to(device)
    optimizer = torch.optim.Adam(unmix.parameters(), lr=1e-3, weight_decay=1e-5)
    if loader:
        dataset = openunmix_dataset(work / "full_length", is_wav=False)
        batches = iter(torch.utils.data.DataLoader(dataset, batch_size=batch, shuffle=True))
    else:
        generator = torch.Generator().manual_seed(0)
        in_memory = [0.1 * torch.randn(batch, 2, CHUNK, generator=generator) for _ in range(2)]

    def step() -> float:
        begun = time.perf_counter()
        mixture, target = next(batches) if loader else in_memory
        mixture, target = mixture.to(device), target.to(device)
        waited = time.perf_counter() - begun
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(unmix(encoder(mixture)), encoder(target))
        loss.backward()
        optimizer.step()
        loss.item()
        return waited

    return step


class Contestant:
    """A step in a process of its own."""

    def __init__(self, make_step: Callable[..., Step], *arguments: object, **named: object) -> None:
        self.connection, theirs = mp.Pipe()
        self.process = mp.get_context("spawn").Process(target=_serve, args=(theirs, make_step, arguments, named))
        self.process.start()
        theirs.close()
        self.seconds: list[float] = []
        self.waited: list[float] = []
        self.memory_gib = 0.0
        self._ask(1)  # warm up

    def _ask(self, steps: int) -> tuple[list[float], list[float], float]:
        self.connection.send(steps)
        answer = self.connection.recv()
        if isinstance(answer, UserError):
            self.close()
            raise answer
        return answer

    def turn(self, steps: int) -> None:
        """Do so many steps and keep their times."""
        seconds, waited, self.memory_gib = self._ask(steps)
        self.seconds += seconds
        self.waited += waited

    def close(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.join()

    @property
    def step_seconds(self) -> float:
        return statistics.median(self.seconds)

    @property
    def data_share(self) -> float:
        return sum(self.waited) / sum(self.seconds)


def _serve(connection: Connection, make_step: Callable[..., Step], arguments: tuple, named: dict) -> None:
    step = make_step(*arguments, **named)
    device = next(argument for argument in arguments if isinstance(argument, torch.device))
    while True:
        try:
            steps = connection.recv()
        except EOFError:
            return
        try:
            seconds, waited = _timed(step, steps)
        except UserError as fault:  # it does not fit
            connection.send(fault)
            return
        connection.send((seconds, waited, peak_memory_gib(device)))


def _timed(step: Step, steps: int) -> tuple[list[float], list[float]]:
    seconds, waited = [], []
    for _ in range(steps):
        begun = time.perf_counter()
        waited.append(step())
        seconds.append(time.perf_counter() - begun)
    return seconds, waited


def compare(work: Path, device: torch.device, batch: int) -> None:
    """The baseline, beside open-unmix with its loader and without."""
    contestants = {
        "open-unmix, its loader": Contestant(peer_step, work, device, loader=True, batch=batch),
        "open-unmix, data in memory": Contestant(peer_step, work, device, loader=False, batch=batch),
        "ours, sampling included": Contestant(our_step, work, device, batch=batch),
    }
    with_loader, in_memory, ours = contestants.values()
    with closing(with_loader), closing(in_memory), closing(ours):
        for number in range(4):
            in_memory.turn(3)
            ours.turn(3)
            if number == 1:
                with_loader.turn(1)
    print(f"\nA step at batch {batch} of 6 s on {device}, {torch.get_num_threads()} threads")
    print(f"{'':28}{'seconds':>9}{'fastest':>9}{'chunks/s':>10}{'on data':>9}{'GiB':>6}{'ours is':>10}")
    for name, found in contestants.items():
        faster = found.step_seconds / ours.step_seconds
        print(
            f"{name:28}{found.step_seconds:>9.2f}{min(found.seconds):>9.2f}{batch / found.step_seconds:>10.2f}"
            f"{found.data_share:>9.1%}{found.memory_gib:>6.1f}{faster:>8.2f} x"
        )


def survey(work: Path, device: torch.device, chosen: argparse.Namespace) -> None:
    """Speed, memory and how busy the GPU is, per variant and batch."""
    print(f"\nSteps of 6 s chunks on {device}; an epoch is MUSDB18's {MUSDB18_CHUNKS} chunks")
    print(f"{'':22}{'batch':>6}{'chunks/s':>10}{'epoch s':>9}{'on data':>9}{'GiB':>6}{'GPU busy':>10}")
    changes = {"memory_budget_gb": chosen.memory_budget_gb, "compile": chosen.compile}
    for name in VARIANTS if chosen.variants == ["all"] else chosen.variants:
        for batch in chosen.batches:
            try:
                contestant = Contestant(our_step, work, device, variant=name, batch=batch, **changes)
            except UserError as fault:
                print(f"{name:22}{batch:>6}  {fault}")
                continue
            with closing(contestant), Utilisation(device) as busy:
                contestant.turn(chosen.steps)
            rate = batch / contestant.step_seconds
            print(
                f"{name:22}{batch:>6}{rate:>10.1f}{MUSDB18_CHUNKS / rate:>9.0f}{contestant.data_share:>9.1%}"
                f"{contestant.memory_gib:>6.1f}{busy.percent():>10}"
            )


class Utilisation:
    """How busy the GPU is within a block: the share of time with a kernel at work, as nvidia-smi has it."""

    EVERY_SECONDS = 0.1

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.samples: list[int] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._sample)

    def __enter__(self) -> "Utilisation":
        if self.device.type == "cuda":
            self.thread.start()
        return self

    def _sample(self) -> None:
        while not self.ended.wait(self.EVERY_SECONDS):
            self.samples.append(torch.cuda.utilization(self.device))

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        if self.thread.is_alive():
            self.thread.join()

    def percent(self) -> str:
        """The mean of the samples, or a dash without a GPU."""
        return f"{statistics.mean(self.samples):.0f} %" if self.samples else "-"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=Path(CLIPS), help="MUSDB18's clips (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=Path("data/benchmarks"), help="where tracks are kept")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int, default=16, help="of the comparison with the peer")
    parser.add_argument("--variants", nargs="+", metavar="VARIANT", help="survey these instead, or all")
    survey_only = parser.add_argument_group("of the survey")
    survey_only.add_argument("--batches", type=int, nargs="+", default=[16, 32])
    survey_only.add_argument("--steps", type=int, help="per variant and batch (default: 4; 100 on a GPU)")
    survey_only.add_argument("--memory-budget-gb", type=float)
    survey_only.add_argument("--compile", action="store_true", help="torch.compile the models")
    chosen = parser.parse_args()

    paths = make_full_length(chosen.source, chosen.work / "full_length", tracks=4, seconds=240)
    load_tracks(paths, chosen.work / "full_length_cache")
    device = choose_device(chosen.device)
    if chosen.variants:
        chosen.steps = chosen.steps or (100 if device.type == "cuda" else 4)
        survey(chosen.work, device, chosen)
    else:
        compare(chosen.work, device, chosen.batch)


if __name__ == "__main__":
    main()
