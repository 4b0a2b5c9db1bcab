"""Which seeds a training would train, and which it would keep because they have been trained already."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assets.job import Job
from assets.making.beside import Beside
from assets.making.checkpoint import training_tracks
from assets.paths import Paths
from sepmodels.dataset.bin_statistics import BinStatistics, read_statistics
from sepmodels.errors import UserError


@dataclass(frozen=True)
class Material:
    """What all trainings of a profile learn from.

    tracks: to train on, and to validate on: each int16 ``(5, 2, sample)``. data_version: a hash of all of them.
    """

    tracks: Sequence[Sequence[np.ndarray]]
    statistics: BinStatistics
    data_version: str


def material_of(paths: Paths) -> Material | None:
    """What is there to learn from; None where something of it is not there, or damaged."""
    try:
        tracks, data_version = training_tracks(paths)
        return Material(tracks, read_statistics(paths.statistics), data_version)
    except (OSError, ValueError, UserError):
        return None


def seeds_to_train(job: Job, material: Material | None) -> list[int]:
    """The job's seeds but those of which a training has ended that it would keep, also one of a run that was stopped.

    job: with the variant's own settings of training, and its precision known.
    """
    from sepmodels.training.fingerprint import fingerprint
    from sepmodels.training.run_folder import TrainingFiles

    if material is None:
        return list(job.profile.seeds)
    beside = Beside(job.paths.data, job.paths.profile)
    found = []
    for seed in job.profile.seeds:
        folders = (beside.checkpoint(job.name, seed), job.paths.checkpoint(job.name, seed))
        identity = fingerprint(
            job.variant,
            job.profile.training,
            seed=seed,
            sample_rate_hz=job.profile.sample_rate_hz,
            tracks=material.tracks,
            statistics=material.statistics,
            code_version=job.code_version,
            data_version=material.data_version,
        )
        folder = next(filter(lambda place: place.exists(), folders), folders[0])
        if TrainingFiles(folder, identity, job.accepted_versions).finished() is None:
            found.append(seed)
    return found
