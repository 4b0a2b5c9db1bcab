"""What is odd about an estimate beside the true stems: it is named, and nothing of it is mended."""

from collections.abc import Iterator, Sequence

import numpy as np

from sepmodels.audio import FULL_SCALE, SAMPLE_RATE_HZ, STREAMS

_LONGEST_DELAY_SECONDS = 0.5
_LEAST_CORRELATION = 0.3  # below, a peak of the correlation is no delay
_ODD_GAIN_DB = 6.0
_ODD_OFFSET = 1e-3  # of full scale: -60 dB


def faults_of(vocals: np.ndarray, stems: np.ndarray) -> Iterator[str]:
    """A clause for each fault of an estimate of vocals.

    Shape:
        vocals: float32 ``(2, sample)``; stems: int16 ``(5, 2, sample)``, mixture first.
    """
    if not np.any(vocals):
        yield "is silent"
        return
    if np.abs(vocals.mean(axis=1)).max() > _ODD_OFFSET:
        yield f"has a constant offset of {vocals.mean(axis=1)[np.abs(vocals.mean(axis=1)).argmax()]:+.3f}"  # type: ignore[call-overload, unused-ignore]
    true: np.ndarray = stems[STREAMS.index("vocals")].mean(axis=0, dtype=np.float32) / FULL_SCALE
    rest: np.ndarray = stems[1:4].sum(axis=0, dtype=np.float32).mean(axis=0) / FULL_SCALE
    mono = vocals.mean(axis=0)
    to_vocals, to_rest = (_best(mono, source) for source in (true, rest))
    if abs(to_rest[0]) > abs(to_vocals[0]):
        yield "is nearer to the accompaniment than to the vocals"
        return
    correlation, lag = to_vocals
    if abs(correlation) < _LEAST_CORRELATION:
        return
    if correlation < 0:
        yield "has the opposite polarity"
    if lag:
        yield f"comes {abs(lag)} samples too {'late' if lag > 0 else 'early'}"
    gain_db = 20 * np.log10(abs(correlation) * np.linalg.norm(mono) / max(float(np.linalg.norm(true)), 1e-12))
    if abs(gain_db) > _ODD_GAIN_DB:
        yield f"is {abs(gain_db):.0f} dB too {'loud' if gain_db > 0 else 'quiet'}"


def _best(estimate: np.ndarray, source: np.ndarray) -> tuple[float, int]:
    """The largest normalised correlation of two signals by its size, and how many samples later the estimate comes."""
    from scipy.fft import irfft, next_fast_len, rfft

    scale = float(np.linalg.norm(estimate) * np.linalg.norm(source))
    if scale == 0:
        return 0.0, 0
    most = round(_LONGEST_DELAY_SECONDS * SAMPLE_RATE_HZ)
    length = next_fast_len(len(source) + most, real=True)
    both = irfft(rfft(estimate, length) * np.conj(rfft(source, length)), length) / scale
    near = np.concatenate([both[-most:], both[: most + 1]])
    place = int(np.abs(near).argmax())  # type: ignore[call-overload, unused-ignore] # of numpy 2.5's stubs
    return float(near[place]), place - most


def summed_up(findings: Sequence[Sequence[str]]) -> list[str]:
    """A sentence for each clause, with the number of tracks that it is said of.

    findings: of every track that has an estimate, its clauses.

    >>> summed_up([["is mono"], ["is mono"], []])
    ['Of 2 of 3 tracks the estimate is mono.']
    """
    counts: dict[str, int] = {}
    for clauses in findings:
        for clause in clauses:
            counts[clause] = counts.get(clause, 0) + 1
    total = len(findings)
    return [f"Of {_count(count, total)} the estimate {clause}." for clause, count in counts.items()]


def _count(count: int, total: int) -> str:
    return f"all {total} tracks" if count == total > 1 else f"{count} of {total} tracks"
