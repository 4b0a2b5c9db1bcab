"""Long signals in segments that overlap, faded into one another (overlap-add)."""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

from sepmodels.audio.recordings import Recording
from sepmodels.errors import UserError
from sepmodels.progress import Progress, silent

Process = Callable[[np.ndarray], np.ndarray]


def overlap_add(
    process: Process,
    recording: Recording,
    *,
    segment_samples: int,
    overlap_samples: int,
    batch: int = 1,
    progress: Progress = silent,
) -> Iterator[np.ndarray]:
    """Apply ``process`` to overlapping segments of a recording and join the results by linear cross-fades.

    The weights of neighbours sum to 1, so a ``process`` that changes nothing gives the recording back. All
    segments are equally long: the last begins earlier rather than being short of context, and what it then
    shares with the one before is not used twice. A recording no longer than a segment is processed as it is.

    Shape:
        recording ``(channel, sample)``; process ``(batch, channel, sample)`` -> ``(batch, any channel, sample)``;
        yields ``(any channel, sample)``, float32, in order, as many samples together as the recording.

    Raises :class:`UserError` for an overlap of more than half a segment, or nothing in a segment or batch.
    """
    if segment_samples < 1 or batch < 1 or not 0 <= 2 * overlap_samples <= segment_samples:
        raise UserError(
            f"Segments of {segment_samples} samples that overlap by {overlap_samples}, {batch} at once, cannot be "
            "joined: a segment and a batch need at least one, and the overlap is at most half a segment."
        )
    return _overlap_added(process, recording, segment_samples, overlap_samples, batch, progress)


def _overlap_added(
    process: Process, recording: Recording, segment: int, overlap: int, batch: int, progress: Progress
) -> Iterator[np.ndarray]:
    stride = max(segment - overlap, 1)
    expected = 1 + max(-(-(recording.expected_samples - segment) // stride), 0)
    rising = (np.arange(overlap, dtype=np.float32) + 0.5) / max(overlap, 1)
    tail: np.ndarray | None = None
    done = 0
    segments = _segments(recording, segment, stride)
    while some := list(islice(segments, batch)):
        for (_, shared), result in zip(some, process(np.stack([cut for cut, _ in some])), strict=True):
            block = result[:, shared:]
            if tail is not None:
                block[:, :overlap] = tail * (1 - rising) + block[:, :overlap] * rising
            keep = max(block.shape[1] - overlap, 0)
            tail = block[:, keep:].copy()
            yield block[:, :keep]
        done += len(some)
        progress(done, max(done, expected), "segment")
    if tail is not None:
        yield tail


def _segments(recording: Recording, segment: int, stride: int) -> Iterator[tuple[np.ndarray, int]]:
    """Segments ``(channel, sample)``, and how many more samples than the overlap each shares with the one before."""
    held = recording.read(segment)
    if held.shape[1] > 0:
        yield held, 0
    while held.shape[1] == segment and (fresh := recording.read(stride)).shape[1] > 0:
        held = np.concatenate([held, fresh], axis=1)[:, -segment:]
        yield held, stride - fresh.shape[1]
        if fresh.shape[1] < stride:
            return
