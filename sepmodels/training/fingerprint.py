"""What a training was made from, in one string: two trainings with the same fingerprint are the same training."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.files import hash_arrays, hash_texts
from sepmodels.settings import TrainingSettings, result_settings
from sepmodels.systems.variants import Variant, configuration

PROBED_SAMPLES = 4096
Track = np.ndarray[Any, np.dtype[np.int16]]


@dataclass(frozen=True)
class Fingerprint:
    """variant, settings, data, code: a hash of each, so that a difference can be named; precision: as it is."""

    variant: str
    settings: str
    precision: str
    data: str
    code: str

    def difference(self, other: dict[str, str]) -> str:
        """The parts in which ``other`` (as a dictionary) differs, joined by commas; empty if it does not."""
        return ", ".join(name for name, value in asdict(self).items() if other.get(name) != value)


def fingerprint(
    variant: Variant,
    settings: TrainingSettings,
    *,
    seed: int,
    sample_rate_hz: int,
    tracks: Sequence[Sequence[Track]],
    statistics: BinStatistics,
    code_version: str,
    data_version: str = "",
) -> Fingerprint:
    """The fingerprint of a training.

    settings: with the precision that is trained in, where "auto" was asked for: it is not the same on each device.

    Of each track the length and the samples at its begin, middle and end are read: enough to tell data sets
    apart without reading all of one, but not two editions of one; ``data_version``, a hash of all of it, does.
    """
    chosen = result_settings(settings)
    precision = chosen.pop("precision")
    if precision == "auto":
        raise ValueError("Which precision is auto depends on the device: choose it before the fingerprint is taken.")
    arrays = [statistics.mean, statistics.scale]
    arrays += [part for split in tracks for track in split for part in _probes(track)]
    return Fingerprint(
        variant=_hash(configuration(variant)),
        settings=_hash({"training": chosen, "seed": seed, "sample_rate_hz": sample_rate_hz}),
        precision=precision,
        data=hash_texts([hash_arrays(*arrays, np.array([len(split) for split in tracks])), data_version]),
        code=code_version,
    )


def _probes(track: Track) -> list[np.ndarray[Any, Any]]:
    middle = track.shape[-1] // 2
    spans = (slice(PROBED_SAMPLES), slice(middle, middle + PROBED_SAMPLES), slice(-PROBED_SAMPLES, None))
    return [np.array(track.shape), *(track[..., span] for span in spans)]


def _hash(value: dict[str, Any]) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
