"""What the parts of a step read and make, for workers that do not see the head's data folder."""

from collections.abc import Sequence
from pathlib import Path

from assets.job import Job
from assets.making.beside import Beside
from assets.making.estimates import make_estimates
from assets.making.measures import make_measures, pitch_labels
from assets.step import Step
from sepmodels.cluster.part import Files


def files_of_training(job: Job, seed: int) -> Files:
    """Of a training of one seed: its states among what it reads, so that any machine goes on from them."""
    paths = job.paths
    folder = Beside(paths.data, paths.profile).checkpoint(job.name, seed)
    return _files(job, [paths.stems("train"), paths.stems("valid"), paths.statistics, folder], [folder])


def files_of_tracks(step: Step, job: Job, seed: int, tracks: Sequence[str]) -> Files:
    """Of a separation, scores or measures of some test tracks: what was made of them before among what is read."""
    paths = job.paths
    entries = sorted(paths.stems("test").glob("*.json"))
    reads = [*entries, *(paths.stems("test") / f"{track}.npy" for track in tracks), paths.tracks]
    estimates = [paths.estimate(job.name, seed, track).parent for track in tracks]
    if step.make is make_estimates:
        return _files(job, [*reads, *estimates, paths.model(job.name, seed)], estimates)
    if step.make is not make_measures:
        made = paths.score_parts(job.name) / f"seed_{seed}"
        return _files(job, [*reads, *estimates, made], [made])
    made = paths.measure_parts(job.name) / f"seed_{seed}"
    labels = pitch_labels(job.profile)
    return _files(job, [*reads, *estimates, made, *([labels] if labels else [])], [made])


def _files(job: Job, reads: list[Path], makes: list[Path]) -> Files:
    places = ([*reads, job.paths.systems], makes)
    roots = (str(job.paths.data), job.profile.dataset.folder)
    return Files(*(tuple(map(str, some)) for some in places), roots=tuple(filter(None, roots)))
