"""The multi-resolution STFT distance."""

from collections.abc import Iterable, Iterator

import numpy as np

from sepmodels.scoring.measure import Measure, Signals, is_silence
from sepmodels.scoring.signals import Float64
from sepmodels.scoring.spectra import magnitude_blocks

RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))  # points, hop and window in samples
_LEAST_POWER = 1e-8


def mr_stft(signals: Signals) -> float:
    """The mean over three resolutions of spectral convergence plus the mean difference of log magnitudes.

    NaN for a silent reference, and for a track that is shorter than half the longest transform.
    """
    if is_silence(signals.reference) or signals.reference.shape[-1] <= max(RESOLUTIONS)[0] // 2:
        return np.nan
    return float(np.mean([_distance(signals, *resolution) for resolution in RESOLUTIONS]))


def _distance(signals: Signals, n_fft: int, hop: int, window: int) -> float:
    off = energy = logs = 0.0
    cells = 0
    both = (magnitude_blocks(one, n_fft, hop, window, "reflect") for one in (signals.reference, signals.estimate))
    for true, made in zip(*map(_floored, both), strict=True):
        off += float(np.sum((true - made) ** 2))
        energy += float(np.sum(true**2))
        logs += float(np.sum(np.abs(np.log(made / true))))
        cells += true.size
    return float(np.sqrt(off / energy)) + logs / cells


def _floored(blocks: Iterable[Float64]) -> Iterator[Float64]:
    for block in blocks:
        yield np.maximum(block, np.sqrt(_LEAST_POWER))


MEASURE = Measure(
    name="MR-STFT",
    says="How far the magnitudes of the spectrum are from the true ones, at three resolutions.",
    higher_is_better=False,
    unit="",
    source="Yamamoto et al. 2020, Parallel WaveGAN, equations 3 to 6; MultiResolutionSTFTLoss of auraloss 0.4.0",
    value=mr_stft,
)
