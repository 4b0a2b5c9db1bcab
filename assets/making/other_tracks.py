"""The tracks of a test set beside the profile's own, held against those that models learn from."""

from typing import cast

import pandas as pd

from assets.job import Job, Made
from assets.making.dataset import make_tracks
from assets.paths import Paths
from sepmodels.files import hash_texts, replacing


def make_other_tracks(job: Job) -> Made:
    """Describe the set's tracks, and name those of the profile's dataset that are the same recordings.

    Raises UserError where a track is one of the training or validation tracks, by its bytes or its samples.
    """
    from sepmodels.dataset.disguise import recordings_in_both, require_unseen

    made = make_tracks(job)
    table = pd.read_parquet(job.paths.tracks)
    own = pd.read_parquet(Paths(job.paths.data, job.paths.profile).tracks)
    require_unseen(table, own, job.paths.profile)
    table["copies"] = [
        ", ".join(filter(None, both))
        for both in zip(cast(list[str], table.copies), recordings_in_both(table, own), strict=True)
    ]
    with replacing(job.paths.tracks) as temporary:
        table.to_parquet(temporary, index=False)
    return Made(hash_texts([table.drop(columns="fingerprint").to_csv(index=False)]), made.figures)
