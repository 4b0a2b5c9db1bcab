"""The science of the benchmark: plain functions and torch modules that know nothing of Dagster or MLflow.

Data flows one way: a dataset's tracks are decoded to int16 arrays (:mod:`~sepmodels.dataset.stem_cache`), sampled into
batches (:mod:`~sepmodels.training.batches`), used to train a variant (:mod:`~sepmodels.training.train`), whose model
separates the test tracks (:mod:`~sepmodels.separation.separate`), whose estimates are scored
(:mod:`~sepmodels.scoring`) and summed up in one table (:mod:`~sepmodels.results.results`).

Axes: ``(batch, channel, sample)`` for waveforms, ``(batch, channel, bin, frame)`` for spectrograms,
``(stem, channel, sample)`` in the cache, stems in the order of :data:`sepmodels.audio.STREAMS`. Waveforms are
float32 in [-1, 1] or int16; units are in names: ``_seconds``, ``_samples``, ``_hz``, ``_db``.
"""

import os

from sepmodels.marks import speed_only


@speed_only
def prepare_threads() -> None:
    """Let torch's threads, waiting for each other, go to sleep early; it reads this when it is first imported.

    libgomp spins fifteen times as long by default. Where several programs compute on the same cores, spinning made
    training steps several times slower.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")


prepare_threads()
