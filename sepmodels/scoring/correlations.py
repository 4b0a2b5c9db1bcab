"""Correlations of long signals at short lags, block by block in the frequency domain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft

from sepmodels.scoring.signals import Complex128, Float64, read_into
from sepmodels.scoring.threads import in_shares

TAPS = 512
MARGIN = TAPS - 1
BLOCK_SAMPLES = 16_384 - 2 * MARGIN


def transform_length(samples: int) -> int:
    """A length of at least ``samples`` that numpy transforms fast: a multiple of 512 made of small factors."""
    return int(scipy.fft.next_fast_len(-(-samples // 512), real=True)) * 512


@dataclass(frozen=True)
class Correlations:
    """What the projections of a track's estimates on its references are solved from.

    references: (source x channel, source x channel, lag), lags -511 to 511:
        entry [a, b, 511 + lag] is the sum over samples n of a[n] b[n + lag].
    estimates: for each estimate (source x channel of the reference, source x channel of the estimate, lag), lags
        0 to 511, likewise.
    """

    references: Float64
    estimates: list[Float64]


def correlate(reference: np.ndarray, estimates: Sequence[np.ndarray], threads: int | None) -> Correlations:
    """Correlate a track's references with each other and with every estimate, over the whole track.

    Blocks of the references reach back 511 samples into the block before, so that every pair of samples 511
    or less apart is in some block; pairs that are in two are taken off again. The estimates' blocks do not
    reach back.

    Shape:
        reference, estimates: (source, channel, sample); estimates of other lengths are cut or padded.
    """
    length = transform_length(min(BLOCK_SAMPLES, reference.shape[-1]) + 2 * MARGIN)
    step = length - 2 * MARGIN
    starts = range(0, reference.shape[-1], step)
    parts = in_shares(lambda share: _cross_spectra(reference, estimates, share, length), starts, threads)
    spectra, doubles = map(sum, zip(*parts, strict=True))
    rows = reference.shape[0] * reference.shape[1]
    lags = np.fft.irfft(spectra, length)
    between = _signed_lags(lags[:, :rows]) - _signed_lags(np.fft.irfft(doubles, 2 * TAPS))
    # Only the upper triangle was summed; [b, a, lag] is [a, b, -lag].
    upper = np.triu(np.ones((rows, rows), dtype=bool))[..., None]
    references = np.where(upper, between, between.swapaxes(0, 1)[..., ::-1])
    return Correlations(references, [lags[:, at : at + rows, :TAPS] for at in range(rows, lags.shape[1], rows)])


def _signed_lags(correlation: Float64) -> Float64:
    """Lags -511 to 511 of a circular correlation."""
    return np.concatenate([correlation[..., -MARGIN:], correlation[..., :TAPS]], axis=-1)


def _cross_spectra(
    reference: np.ndarray, estimates: Sequence[np.ndarray], starts: Sequence[int], length: int
) -> tuple[Complex128, Complex128]:
    """Sums over blocks of conj(reference) x (references and estimates), and of what is counted twice.

    Shape:
        result: (source x channel, source x channel of the references and then of each estimate, bin), and
        (source x channel, source x channel, bin of a 1024-point transform).
    """
    rows = reference.shape[0] * reference.shape[1]
    columns = rows * (1 + len(estimates))
    piece = np.empty((*reference.shape[:2], length - MARGIN))
    spectra = np.empty((columns, length // 2 + 1), dtype=np.complex128)
    product = np.empty_like(spectra)
    total = np.zeros((rows, *spectra.shape), dtype=np.complex128)
    doubles = np.zeros((rows, rows, TAPS + 1), dtype=np.complex128)
    for start in starts:
        for index, waveform in enumerate([reference, *estimates]):
            read_into(piece, waveform[..., : reference.shape[-1]], start - MARGIN)
            flat = piece.reshape(rows, -1)
            if index:
                flat[:, :MARGIN] = 0
            else:
                overlap = np.fft.rfft(flat[:, :MARGIN], 2 * TAPS)
                doubles += overlap.conj()[:, None] * overlap
            np.fft.rfft(flat, length, out=spectra[index * rows : (index + 1) * rows])
        for row in range(rows):
            np.multiply(spectra[row].conj(), spectra[row:], out=product[row:])
            total[row, row:] += product[row:]
    return total, doubles
