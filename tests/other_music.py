"""A data folder as :mod:`tests.scored_folder` makes it, with a test set beside the profile's own: other scores."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from assets.job import Job
from assets.making.claims import make_claims
from assets.making.table import make_table
from assets.other_test_sets import paths_on
from sepmodels.dataset.other_test_sets import read_test_set
from sepmodels.settings import ReportSettings
from tests.scored_folder import REPORT, SYSTEMS, TRACKS, scored_job
from tests.sepmodels.results.test_table import made_scores

NAME = "songs"
GAINS = SYSTEMS | {"mixture": -2.0, "l1_loss": -0.5, "transformer": -0.6}  # L1 helps on the own split, and not here


def with_other_music(data: Path, report: ReportSettings = REPORT) -> Job:
    """The report's job over a folder with everything of two test sets."""
    own = scored_job(data, report)
    job = replace(own, profile=replace(own.profile, test_sets=(f"{NAME}={data / 'songs'}",)))
    paths = paths_on(job.paths, read_test_set(job.profile.test_sets[0]))
    paths.place.mkdir(parents=True)
    tracks = pd.read_parquet(own.paths.tracks)
    tracks[tracks.split == "test"].assign(source_sample_rate_hz=16_000).to_parquet(paths.tracks, index=False)
    paths.stems("test").symlink_to(own.paths.stems("test"))
    (paths.place / "estimates").symlink_to(own.paths.root / "estimates")
    scores = made_scores(GAINS, tracks=len(TRACKS))
    scores["track"] = scores.track.map({f"track {number}": name for number, name in enumerate(TRACKS)})
    for name in GAINS:
        paths.scores(name).parent.mkdir(parents=True, exist_ok=True)
        scores[scores.variant == name].to_parquet(paths.scores(name), index=False)
    make_table(job)
    make_claims(job)
    return job
