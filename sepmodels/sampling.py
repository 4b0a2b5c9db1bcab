"""Training batches from decoded tracks: seeded, in batch, from device memory, host memory or disk.

A chunk is an excerpt of ``settings.chunk_seconds`` at a random position of a random track. One generator on
the CPU decides every draw (:func:`sepmodels.augment.draw`), so the same seed gives the same batches wherever
the samples come from, on one process or several.

Silent chunks are kept, as in Open-Unmix: a model has to learn to be silent too. Tracks shorter than a chunk
are used whole, with silence after their end.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from sepmodels import augment
from sepmodels.devices import free_device_bytes, free_host_bytes
from sepmodels.errors import UserError
from sepmodels.settings import TrainingSettings

LOG = logging.getLogger(__name__)
MOST_OF_FREE_MEMORY = 0.5  # the share of what is free that a resident data set may take
BATCHES_AHEAD = 2
CPU = torch.device("cpu")

Track = np.ndarray[Any, np.dtype[np.int16]]


class ResidentChunks:
    """All stems in one int16 tensor, on the device or in host memory; a batch is one gather."""

    def __init__(self, tracks: Sequence[Track], chunk: int, device: torch.device) -> None:
        """tracks: int16 (stream, channel, sample) each, stems after the mixture; chunk: in samples."""
        lengths = torch.tensor([max(track.shape[-1], chunk) for track in tracks])
        sizes = lengths * augment.STEMS * 2
        self.lengths = lengths  # of one channel of one stem, as stored
        self.begins = sizes.cumsum(0) - sizes
        stored = torch.zeros(int(sizes.sum()), dtype=torch.int16, device=device)
        for track, begin, length in zip(tracks, self.begins.tolist(), lengths.tolist(), strict=True):
            room = stored[begin : begin + augment.STEMS * 2 * length].view(augment.STEMS, 2, length)
            room[..., : track.shape[-1]] = torch.from_numpy(np.array(track[1:]))
        self.windows = stored.unfold(0, chunk, 1)  # (start, sample), a view
        self.device = device

    def read(self, draws: augment.Draws, out: torch.Tensor | None) -> torch.Tensor:
        """Int16 (batch, stem, channel, sample) of the drawn chunks, in ``out`` where one is given."""
        channel = torch.stack([draws.swap, ~draws.swap], dim=-1).long()  # which channel comes first, second
        row = torch.arange(augment.STEMS)[None, :, None] * 2 + channel  # (batch, stem, channel)
        begin = self.begins[draws.track] + draws.start
        starts = (begin[..., None] + row * self.lengths[draws.track][..., None]).flatten().to(self.device)
        if out is None:
            return self.windows.index_select(0, starts).view(*row.shape, -1)
        torch.index_select(self.windows, 0, starts, out=out.view(len(starts), -1))
        return out


class MappedChunks:
    """Stems left where they are, in memory-mapped files: only what is drawn is read."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self.tracks = tracks

    def read(self, draws: augment.Draws, out: torch.Tensor) -> torch.Tensor:
        """Int16 (batch, stem, channel, sample) of the drawn chunks, in ``out``."""
        room = out.numpy()
        chunk = room.shape[-1]
        picks = zip(draws.track.tolist(), draws.start.tolist(), draws.swap.tolist(), strict=True)
        for b, (tracks, starts, swaps) in enumerate(picks):
            for stem, (track, start, swap) in enumerate(zip(tracks, starts, swaps, strict=True)):
                found = self.tracks[track][stem + 1, :, start : start + chunk]
                room[b, stem, :, : found.shape[-1]] = found[::-1] if swap else found
                room[b, stem, :, found.shape[-1] :] = 0
        return out


class ChunkSampler:
    """Batches of (mixture, target) without end.

    feeding: "device", "host" or "disk": where the samples are; settings.feeding, or chosen by what is free.
    state_dict: the generator as it stands for the next batch that has not been handed out, whatever has been
        read ahead.
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
        self.chunk = round(settings.chunk_seconds * sample_rate_hz)
        self.share = (rank, ranks)
        self.positions = torch.tensor([max(1, track.shape[-1] - self.chunk + 1) for track in tracks])
        self.generator = torch.Generator().manual_seed(seed)
        self.feeding = settings.feeding if settings.feeding != "auto" else choose_feeding(tracks, self.device)
        LOG.info("Chunks are read from %s.", "disk" if self.feeding == "disk" else f"{self.feeding} memory")
        self._read = self._reader(tracks)
        self._ahead: deque[tuple[Future[torch.Tensor], augment.Draws, torch.Tensor]] = deque()
        overlaps = self.feeding == "disk" or (self.feeding == "host" and self.device.type != "cpu")
        self._threads = ThreadPoolExecutor(1, "chunks") if overlaps else None
        self._state = self.generator.get_state()

    def _reader(self, tracks: Sequence[Track]) -> Callable[[augment.Draws], torch.Tensor]:
        if self.feeding == "device":
            resident = ResidentChunks(tracks, self.chunk, self.device)
            return lambda draws: resident.read(draws, None)
        source = MappedChunks(tracks) if self.feeding == "disk" else ResidentChunks(tracks, self.chunk, CPU)
        pinned = self.device.type == "cuda"

        def read(draws: augment.Draws) -> torch.Tensor:
            shape = (*draws.gain.shape, 2, self.chunk)
            return source.read(draws, torch.empty(shape, dtype=torch.int16, pin_memory=pinned))

        return read

    def next_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mixture and target (the vocals) of the next chunks, float32 (batch, channel, sample) on the device."""
        if self._threads is None:
            draws = self._draw()
            stems = self._read(draws)
            self._state = self.generator.get_state()
        else:
            while len(self._ahead) <= BATCHES_AHEAD:
                draws = self._draw()
                self._ahead.append((self._threads.submit(self._read, draws), draws, self.generator.get_state()))
            reading, draws, self._state = self._ahead.popleft()
            stems = reading.result()
        gain = draws.gain.to(self.device, non_blocking=True)
        return augment.mix(stems.to(self.device, non_blocking=True), gain)

    def _draw(self) -> augment.Draws:
        return augment.draw(self.generator, self.positions, self.settings).part(*self.share)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """What :meth:`load_state_dict` needs to go on with the next batch."""
        return {"generator": self._state.clone()}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on where ``state`` was taken; what has been read ahead is dropped."""
        self._ahead.clear()
        self.generator.set_state(state["generator"])
        self._state = self.generator.get_state()

    def close(self) -> None:
        """End reading ahead."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)


def choose_feeding(tracks: Sequence[Track], device: torch.device) -> str:
    """Where the samples should be: on the device if they fit in what is free there, or in host memory, or on disk."""
    size = sum(track[1:].nbytes for track in tracks)
    if device.type != "cpu" and size <= MOST_OF_FREE_MEMORY * free_device_bytes(device):
        return "device"
    return "host" if size <= MOST_OF_FREE_MEMORY * free_host_bytes() else "disk"
