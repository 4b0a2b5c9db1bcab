"""On a cluster the parts of a step are made ahead: its function then finds them all, and only puts them together.

So the function, and with it the product's code version, is the same wherever the parts are made.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from assets.job import Job, Made
from assets.making import scores
from assets.making.checkpoint import make_checkpoint
from assets.making.estimates import forget_estimates, make_estimates
from assets.making.measures import make_measures
from assets.making.part_files import files_of_tracks, files_of_training
from assets.making.part_work import job_arguments, measure_tracks, score_tracks, separate_tracks, train_seed
from assets.runtime.cluster import cluster_settings
from assets.runtime.events import tell
from assets.runtime.gpus import count_gpus
from assets.step import Step
from sepmodels.cluster.ending import clear_other_parts
from sepmodels.cluster.making import make_parts
from sepmodels.cluster.part import Needs, Part
from sepmodels.cluster.same_code import versions_of
from sepmodels.cluster.settings import ClusterSettings
from sepmodels.errors import UserError
from sepmodels.settings import Profile

_SCORES = (scores.make_scores, scores.make_scores_of_one, scores.make_scores_from_stems)
_IN_PARTS = (make_checkpoint, make_estimates, *_SCORES, make_measures)


def has_parts(step: Step) -> bool:
    """Whether a cluster can make it in parts: trainings, their separations, scores and measures."""
    return step.make in _IN_PARTS


def on_cluster(step: Step, data: Path) -> bool:
    """Whether the step's parts are made by a cluster: it has some, and a cluster is set."""
    return has_parts(step) and cluster_settings(data).executor != "local"


def made_ahead(step: Step, job: Job) -> Made:
    """Have the step's parts made by the cluster, then let its function put them together.

    Raises UserError for parts that a person has to see to, after all others are made.
    """
    settings = cluster_settings(job.paths.data)
    parts = list(parts_of(step, job, settings))
    hears = _Hears("/".join(step.path), job)
    folder = _folder(step, job)
    if job.anew:
        clear_other_parts(folder, (), settings, hears.warn)
        _forget(step, job)
    if step.make is make_checkpoint and _is_slow_on_gpus(job.profile, settings):
        hears.warn("Precision 32, because the head has no GPU: --set training.precision=bf16 is faster on a cluster's.")
    results = make_parts(parts, folder, settings, versions_of(step.libraries), hears)
    faults = [result.sentence for result in results.values() if result.outcome != "done"]
    if faults:
        raise UserError(" ".join(dict.fromkeys(faults)))
    made = step.make(replace(job, anew=False, profile=replace(job.profile, device="auto"), log=_unheard))
    shutil.rmtree(folder, ignore_errors=True)
    return made


def made_here(step: Step, job: Job) -> Made:
    """Make a step on this machine alone, after what a cluster still makes of it has ended."""
    folder = _folder(step, job)
    if folder.exists():
        clear_other_parts(folder, (), cluster_settings(job.paths.data), _Hears("/".join(step.path), job).warn)
        shutil.rmtree(folder, ignore_errors=True)
    return step.make(job)


def _folder(step: Step, job: Job) -> Path:
    return job.paths.root / "parts" / "-".join(step.path)


def _is_slow_on_gpus(profile: Profile, settings: ClusterSettings) -> bool:
    """Whether trainings have GPUs, and full precision only because "auto" went by the head."""
    chosen = "training.precision" in dict(profile.changed_settings) or profile.device == "cpu"
    return settings.gpus > 0 and profile.training.precision == "32" and not chosen and not count_gpus()


def parts_of(step: Step, job: Job, settings: ClusterSettings) -> Iterator[Part]:
    """The parts of a step: a training for each seed; else, for each seed, shares of the test tracks."""
    arguments = job_arguments(job)
    gpus = 0 if job.profile.device == "cpu" else settings.gpus
    if step.make is make_checkpoint:
        for seed in job.profile.seeds:
            function = _name(train_seed)
            processes = job.profile.training.processes
            needs = Needs(gpus * processes, settings.processors * processes, settings.memory_gb)
            yield Part(f"seed_{seed}", function, {**arguments, "seed": seed}, needs, files_of_training(job, seed))
        return
    separates = step.make is make_estimates
    needs = Needs(gpus if separates else 0, settings.processors, settings.memory_gb)
    function = _name(separate_tracks if separates else measure_tracks if step.make is make_measures else score_tracks)
    for seed in job.own.seeds_of(job.profile.seeds):
        for number, tracks in enumerate(_shares(job, settings.parallel), start=1):
            chosen = {**arguments, "seed": seed, "tracks": tracks}
            yield Part(f"seed_{seed}-{number}", function, chosen, needs, files_of_tracks(step, job, seed, tracks))


def _shares(job: Job, most: int) -> list[list[str]]:
    """The test tracks in so many shares at most, of about as many tracks."""
    from sepmodels.dataset.stem_cache import cached_names

    names = cached_names(job.paths.stems("test"))
    return [names[first::most] for first in range(min(most, len(names)))]


def _name(function: Callable[..., None]) -> str:
    return f"{function.__module__}:{function.__name__}"


def _forget(step: Step, job: Job) -> None:
    """Keep nothing of what was made before."""
    from sepmodels.training.run_folder import forget

    if step.make is make_checkpoint:
        for seed in job.profile.seeds:
            forget(job.paths.checkpoint(job.name, seed))
    elif step.make is make_estimates:
        forget_estimates(job)
    elif step.make is make_measures:
        shutil.rmtree(job.paths.measure_parts(job.name), ignore_errors=True)
    else:
        shutil.rmtree(job.paths.score_parts(job.name), ignore_errors=True)


def _unheard(_figures: Mapping[str, float], _step: int) -> None:
    """The curves were passed on while the parts were made."""


@dataclass(frozen=True)
class _Hears:
    """Passes on what parts tell to whoever follows the step."""

    step: str
    job: Job

    def log(self, part: Part, figures: Mapping[str, float], step: int) -> None:
        several = len(self.job.profile.seeds) > 1
        named = {f"{part.name}/{name}": value for name, value in figures.items()} if several else figures
        self.job.log(named, step)

    def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
        self.job.progress(done, total, unit, **figures)

    def say(self, sentence: str) -> None:
        self.job.say(sentence)

    def warn(self, sentence: str) -> None:
        self.job.say(sentence)
        tell(f"{self.step}: {sentence}")
