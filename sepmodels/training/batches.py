"""Training batches from decoded tracks: seeded, in batch, from device memory, host memory or disk.

A chunk is an excerpt of ``settings.chunk_seconds`` at a random position of a random track. One generator on
the CPU decides every draw (:func:`sepmodels.training.augmentation.draw`), so the same seed gives the same batches
wherever the samples come from, on one process or several, with any number of threads.

Silent chunks are kept, as in Open-Unmix: a model has to learn to be silent too. Tracks shorter than a chunk
are used whole, with silence after their end.
"""

import logging
import math
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import torch

from sepmodels.errors import UserError
from sepmodels.machine.devices import free_device_bytes
from sepmodels.machine.memory import GIB, free_host_bytes
from sepmodels.marks import SpeedOnly, speed_only
from sepmodels.settings import TrainingSettings
from sepmodels.training import augmentation as augment

LOG = logging.getLogger(__name__)
MOST_OF_FREE_MEMORY: SpeedOnly[float] = 0.5  # the share of what is free that a resident data set may take
# More stays in memory-mapped files, which the system caches as well, and gives back when memory is short.
MOST_HOST_BYTES: SpeedOnly[int] = GIB
BATCHES_AHEAD: SpeedOnly[int] = 2
CHANNELS = 2

Track = np.ndarray[Any, np.dtype[np.int16]]
Batch = tuple[torch.Tensor, torch.Tensor]


class ResidentChunks:
    """All stems in one int16 tensor on the device: a batch is one gather, and mixed there."""

    def __init__(self, tracks: Sequence[Track], chunk: int, device: torch.device) -> None:
        """tracks: int16 (stream, channel, sample) each, stems after the mixture; chunk: in samples."""
        self.lengths = torch.tensor([max(track.shape[-1], chunk) for track in tracks])  # as stored
        sizes = self.lengths * augment.STEMS * CHANNELS
        self.begins = sizes.cumsum(0) - sizes
        stored = torch.zeros(int(sizes.sum()), dtype=torch.int16, device=device)
        for track, begin, length in zip(tracks, self.begins.tolist(), self.lengths.tolist(), strict=True):
            room = stored[begin : begin + augment.STEMS * CHANNELS * length].view(augment.STEMS, CHANNELS, length)
            room[..., : track.shape[-1]] = torch.from_numpy(np.array(track[1:]))
        self.windows = stored.unfold(0, chunk, 1)  # (start, sample), a view
        self.device = device

    def batch(self, draws: augment.Draws) -> Batch:
        """Mixture and target of the drawn chunks."""
        channel = torch.stack([draws.swap, ~draws.swap], dim=-1).long()  # which one is read first, and second
        row = torch.arange(augment.STEMS)[None, :, None] * CHANNELS + channel  # (batch, stem, channel)
        begin = self.begins[draws.track] + draws.start
        starts = begin[..., None] + row * self.lengths[draws.track][..., None]
        stems = self.windows.index_select(0, _sent(starts.flatten(), self.device)).view(*row.shape, -1)
        return augment.mix(stems, _sent(draws.gain, self.device))


class HostChunks:
    """Stems in host memory or in memory-mapped files: what is drawn is read by threads, some batches ahead."""

    def __init__(self, tracks: Sequence[Track], chunk: int, device: torch.device) -> None:
        """tracks: int16 (stem, channel, sample) each; chunk: in samples."""
        self.tracks = tracks
        self.chunk = chunk
        self.device = device
        threads = min(BATCHES_AHEAD, torch.get_num_threads())
        self.threads = ThreadPoolExecutor(threads, "chunks")

    def read(self, draws: augment.Draws) -> "Future[Batch]":
        """Begin to read: for a CPU mixture and target, for another device stems and gains, in pinned memory."""
        return self.threads.submit(self._mixed if self.device.type == "cpu" else self._stems, draws)

    def batch(self, read: "Future[Batch]") -> Batch:
        """Mixture and target, on the device."""
        first, second = read.result()
        if self.device.type == "cpu":
            return first, second
        return augment.mix(_sent(first, self.device), _sent(second, self.device))

    def _mixed(self, draws: augment.Draws) -> Batch:
        mixture = torch.zeros(len(draws.gain), CHANNELS, self.chunk)
        target = torch.zeros_like(mixture)
        for index, gain in enumerate(draws.gain.numpy()):
            augment.mix_chunk(self._excerpts(draws, index), gain, mixture[index].numpy(), target[index].numpy())
        return mixture, target

    def _stems(self, draws: augment.Draws) -> Batch:
        shape = (*draws.gain.shape, CHANNELS, self.chunk)
        stems = _pinned(torch.empty(shape, dtype=torch.int16), self.device)
        for index in range(len(stems)):
            for stem, excerpt in enumerate(self._excerpts(draws, index)):
                stems[index, stem].numpy()[:] = excerpt
        return stems, _pinned(draws.gain, self.device)

    def _excerpts(self, draws: augment.Draws, index: int) -> list[augment.Int16s]:
        """The four stems of one chunk, (channel, sample) each."""
        picks = zip(draws.track[index].tolist(), draws.start[index].tolist(), draws.swap[index].tolist(), strict=True)
        found = []
        for stem, (track, start, swap) in enumerate(picks):
            excerpt = self.tracks[track][stem, :: -1 if swap else 1, start : start + self.chunk]
            missing = self.chunk - excerpt.shape[-1]
            found.append(np.pad(excerpt, ((0, 0), (0, missing))) if missing else excerpt)
        return found


def _pinned(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """In memory that a GPU reads by itself, where there is one."""
    return values.pin_memory() if device.type == "cuda" and not values.is_pinned() else values


def _sent(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """On the device, without waiting for what it still computes."""
    return _pinned(values, device).to(device, non_blocking=True)


class ChunkSampler:
    """Batches of (mixture, target) without end.

    feeding: "device", "host" or "disk": where the samples are; settings.feeding, or chosen by what is free.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        settings: TrainingSettings,
        *,
        seed: int,
        device: torch.device | str,
        sample_rate_hz: int,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        """tracks: int16 (stream, channel, sample), stereo, streams as in :data:`sepmodels.audio.STREAMS`.

        rank, ranks: this process and how many share each batch. Raises UserError without tracks.
        """
        if not tracks:
            raise UserError("There is no track to train on: the training split is empty.")
        self.settings = settings
        self.device = torch.device(device)
        self.share = (rank, ranks)
        chunk = round(settings.chunk_seconds * sample_rate_hz)
        self.positions = torch.tensor([max(1, track.shape[-1] - chunk + 1) for track in tracks])
        self.generator = torch.Generator().manual_seed(seed)
        self.feeding: str = settings.feeding
        if self.feeding == "auto":
            self.feeding = choose_feeding(tracks, self.device, ranks, settings.memory_budget_gb)
        LOG.info("Chunks are read from %s.", "disk" if self.feeding == "disk" else f"{self.feeding} memory")
        self._resident: ResidentChunks | None = None
        self._host: HostChunks | None = None
        if self.feeding == "device":
            self._resident = ResidentChunks(tracks, chunk, self.device)
        elif self.feeding == "host":
            self._host = HostChunks([np.array(track[1:]) for track in tracks], chunk, self.device)
        else:
            self._host = HostChunks([track[1:] for track in tracks], chunk, self.device)
        self._ahead: deque[tuple[Future[Batch], torch.Tensor]] = deque()
        self._state = self.generator.get_state()

    def next_batch(self) -> Batch:
        """Mixture and target (the vocals) of the next chunks, float32 (batch, channel, sample) on the device."""
        if self._resident is not None:
            batch = self._resident.batch(self._draw())
            self._state = self.generator.get_state()
            return batch
        assert self._host is not None
        while len(self._ahead) <= BATCHES_AHEAD:
            read = self._host.read(self._draw())
            self._ahead.append((read, self.generator.get_state()))
        read, self._state = self._ahead.popleft()
        return self._host.batch(read)

    def _draw(self) -> augment.Draws:
        return augment.draw(self.generator, self.positions, self.settings).part(*self.share)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The generator as it stands for the batch that is next, whatever has been read ahead."""
        return {"generator": self._state.clone()}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on where ``state`` was taken; what has been read ahead is dropped."""
        self._ahead.clear()
        self.generator.set_state(state["generator"])
        self._state = self.generator.get_state()

    def close(self) -> None:
        """End reading ahead."""
        if self._host is not None:
            self._host.threads.shutdown(cancel_futures=True)


@speed_only
def choose_feeding(
    tracks: Sequence[Track], device: torch.device, processes: int = 1, memory_budget_gb: float | None = None
) -> Literal["device", "host", "disk"]:
    """Where the samples should be: on the device if they fit in what is free there, or in host memory, or on disk.

    A large dataset is never copied to host memory, so that training takes no more of it the longer the dataset is.
    processes: how many keep the tracks in the same host's memory. memory_budget_gb: of the device, for each.
    """
    size = sum(track[1:].nbytes for track in tracks)
    budget = math.inf if memory_budget_gb is None else memory_budget_gb * GIB
    if device.type != "cpu" and size <= MOST_OF_FREE_MEMORY * min(budget, free_device_bytes(device)):
        return "device"
    room = free_host_bytes() / processes
    if device.type == "cpu":
        room = min(budget, room)
    return "host" if size <= min(MOST_HOST_BYTES, MOST_OF_FREE_MEMORY * room) else "disk"
