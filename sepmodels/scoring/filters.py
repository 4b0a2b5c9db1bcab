"""The distortion filters of BSSEval v4: least-squares projections of estimates on delayed references."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from sepmodels.scoring.correlations import TAPS, Correlations
from sepmodels.scoring.signals import Float64

EPS = np.finfo(np.float64).eps


@dataclass(frozen=True)
class Projections:
    """The filters of one estimate.

    own: (source, channel in, channel out, tap): from a source's reference to its estimate.
    all: (source of the estimate, source of the reference, channel in, channel out, tap): from all references.
    """

    own: Float64
    all: Float64


class NormalMatrix:
    """The factorised normal equations of a projection on some references.

    museval solves (G + eps I) C = D by LU for every estimate; here the factorisation is made once. LU and not
    Cholesky, since on nearly singular equations only the same method gives museval's figures. Where a matrix is
    singular to the last bit, least squares as museval intends.
    """

    def __init__(self, correlations: Float64) -> None:
        self.matrix = _block_toeplitz(correlations)
        regular = self.matrix.copy(order="F")
        regular[np.diag_indices_from(regular)] += EPS
        self.factors, self.pivots, self.singular_at = scipy.linalg.lapack.dgetrf(regular, overwrite_a=True)

    def solve(self, right: Float64) -> Float64:
        """Solve for the columns of ``right`` (source x channel x tap, column)."""
        if self.singular_at:
            return np.asarray(scipy.linalg.lstsq(self.matrix, right)[0])
        return np.asarray(scipy.linalg.lapack.dgetrs(self.factors, self.pivots, right)[0])


def _block_toeplitz(correlations: Float64) -> Float64:
    """(row, row, lag from -511 to 511) to the matrix (row x tap, row x tap)."""
    rows = correlations.shape[0]
    delays = np.lib.stride_tricks.sliding_window_view(correlations, TAPS, axis=-1)[..., ::-1]
    return delays.transpose(0, 2, 1, 3).reshape(rows * TAPS, rows * TAPS)


def project(correlations: Correlations, sources: int) -> list[Projections]:
    """The filters of every estimate of a track, from the track's correlations."""
    rows = correlations.references.shape[0]
    channels = rows // sources
    right = np.stack(correlations.estimates).transpose(1, 3, 0, 2)
    together = NormalMatrix(correlations.references).solve(right.reshape(rows * TAPS, -1))
    together = together.reshape(sources, channels, TAPS, -1, sources, channels).transpose(3, 4, 0, 1, 5, 2)
    own = [_own_filters(correlations, slice(at, at + channels)) for at in range(0, rows, channels)]
    return [
        Projections(np.stack([filters[index] for filters in own]), together[index])
        for index in range(len(correlations.estimates))
    ]


def _own_filters(correlations: Correlations, rows: slice) -> NDArray[np.float64]:
    """For one source, the filters from its reference alone: (estimate, channel in, channel out, tap)."""
    matrix = NormalMatrix(correlations.references[rows, rows])
    right = np.stack([estimate[rows, rows] for estimate in correlations.estimates]).transpose(1, 3, 0, 2)
    channels, _, estimates, _ = right.shape
    solved = matrix.solve(right.reshape(channels * TAPS, -1))
    return solved.reshape(channels, TAPS, estimates, channels).transpose(2, 0, 3, 1)
