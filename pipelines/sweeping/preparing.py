"""What is asked of a sweep, checked before anything is trained, and the data that it needs."""

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from assets.paths import Paths
from pipelines.options import advised
from pipelines.sweeping.entries import LEARNING_RATE, with_values
from pipelines.sweeping.ranges import Range, read_ranges
from sepmodels.errors import UserError, unknown_name
from sepmodels.files import hash_texts
from sepmodels.limits import LIMITS, check_limits, check_training
from sepmodels.machine.disk_kind import NETWORK_DISKS, disk_kind
from sepmodels.settings import Profile, TrainingSettings
from sepmodels.systems import systems_of
from sepmodels.systems.variants import VARIANTS, Variant, own_training

MOST_TRIED = 50  # combinations of a value with others, before it is said to make no model
DATA = ("dataset", "tracks", "stems/train", "stems/valid", "statistics")  # the products that a sweep reads, and theirs


@dataclass(frozen=True)
class Asked:
    """A sweep: all that decides its trials, and how many at once.

    training: the profile's settings of a training, with the budget of a trial.
    trials: that there are to be in the end. seed: of the trainings, and of what is drawn.
    code_version: of the variant's training, with all its settings. data_version: of what it is trained on.
    """

    variant: Variant
    profile: Profile
    training: TrainingSettings
    ranges: tuple[Range, ...]
    trials: int
    seed: int
    jobs: int
    code_version: str = ""
    data_version: str = ""

    @property
    def name(self) -> str:
        """The name of its folder: another for whatever would make other trials, whatever their number."""
        ranges = [json.dumps([one.name, one.low, one.high, one.log, [*one.choices]]) for one in self.ranges]
        decided = hash_texts([*ranges, str(self.seed), self.code_version, self.data_version])
        return f"{self.variant.name}-{decided[:8]}"

    def folder(self, paths: Paths) -> Path:
        """Where its trials are kept."""
        return paths.root / "sweeps" / self.name

    @property
    def parameters(self) -> dict[str, Any]:
        """What MLflow is told of it."""
        return {
            "variant": self.variant,
            "training": self.training,
            "ranges": {one.name: one.text.partition("=")[2] for one in self.ranges},
            "seed": self.seed,
        }


def read_request(
    profile: Profile,
    paths: Paths,
    name: str,
    ranges: Sequence[str],
    *,
    trials: int,
    steps: int | None,
    seed: int | None,
    jobs: int | None,
) -> Asked:
    """What a person asks for; raises :class:`UserError` for what cannot be.

    steps: None for the profile's own budget. seed: None for the profile's first. jobs: None for as many as there is
    room for.
    """
    from pipelines.graph.slots import slots_here

    choices = {one.name: one for one in systems_of(profile, paths.systems) if isinstance(one, Variant)}
    variants = {**VARIANTS, **choices}
    if name not in variants:
        raise unknown_name("variant", name, variants, "sepbench variants")
    for option, number, least in (("trials", trials, 2), ("steps", steps, 1), ("jobs", jobs, 1)):
        if number is not None and number < least:
            raise UserError(f"--{option} cannot be {number}: expected {least} or more.")
    least, most = LIMITS["seeds"]
    if seed is not None and not least <= seed <= most:
        raise UserError(f"--seed cannot be {seed}: expected a number from {least} to {most}.")
    training = profile.training if steps is None else replace(profile.training, steps=steps)
    profile = replace(profile, training=training)
    found = read_ranges(ranges, variants[name])
    asked = Asked(
        variants[name],
        profile,
        training,
        found,
        trials,
        profile.seeds[0] if seed is None else seed,
        min(jobs or slots_here(profile), trials),
    )
    require_models(asked)
    _require_local_disk(asked.folder(paths).parent)
    return asked


def _require_local_disk(folder: Path) -> None:
    """Raise :class:`UserError` for a folder of sweeps on a network disk: Optuna's storage is SQLite."""
    if (kind := disk_kind(folder)) in NETWORK_DISKS:
        raise UserError(
            f"{folder} is on a network disk ({kind}), where SQLite, in which a sweep keeps its trials, loses them: "
            "name a data folder on a disk of this machine with --data."
        )


def require_models(asked: Asked) -> None:
    """Raise :class:`UserError` for the first value of a range that makes no model, whatever the others are."""
    for swept in asked.ranges:
        others = [one for one in asked.ranges if one is not swept]
        for value in swept.ends:
            combinations = ({swept.name: value, **rest} for rest in _combinations(others))
            faults = [*_faults(asked, itertools.islice(combinations, MOST_TRIED))]
            if faults:
                raise UserError(f"The range {swept.text!r} cannot have {_said(value)}: {faults[0]}")


def _combinations(ranges: Sequence[Range]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*(one.ends for one in ranges)):
        yield {one.name: value for one, value in zip(ranges, values, strict=True)}


def _faults(asked: Asked, combinations: Iterable[Mapping[str, Any]]) -> Iterator[UserError]:
    """What is wrong with each of the combinations; nothing as soon as one of them can be trained."""
    found: list[UserError] = []
    for values in combinations:
        try:
            require_trainable(asked, values)
        except UserError as fault:
            found.append(fault)
        else:
            return
    yield from found


def require_trainable(asked: Asked, values: Mapping[str, Any]) -> None:
    """Raise :class:`UserError` unless the variant with these values can be trained."""
    from sepmodels.training.trial import try_variant

    rate = values.get(LEARNING_RATE, asked.variant.learning_rate)
    if not (math.isfinite(rate) and rate > 0):
        raise UserError("A learning rate is a number above 0.")
    variant = with_values(asked.variant, values)
    training = own_training(variant, asked.training)
    check_limits(training, "training.")
    check_training(training)
    if any(name.partition(".")[0] in ("settings", "loss_settings") for name in values):
        try_variant(variant, asked.profile.sample_rate_hz)


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def make_data(asked: Asked, paths: Paths, console: Console) -> None:
    """Make the stems to train and to validate on, and what they need, where that is missing or stale.

    The steps ``dataset`` and ``tracks`` read the test tracks, too: they hash and measure every track, and refuse one
    that two splits have. None of these figures reaches a trial. Stems of the test split are not made.
    """
    from pipelines.graph.jobs import REFRESH
    from pipelines.graph.selection import behind
    from pipelines.running.runner import run_assets

    keys = [f"{asked.profile.name}/{name}" for name in DATA]
    if (wanted := behind(asked.profile, paths, keys)) and (status := run_assets(paths, REFRESH, wanted, console)):
        raise typer.Exit(status)


def with_versions(asked: Asked, paths: Paths) -> Asked:
    """The same, with the versions of the code and of the data that it would train with.

    Raises :class:`UserError` where there is nothing to train on, or to validate with.
    """
    from assets.graph import benchmark_steps
    from assets.making.checkpoint import training_tracks
    from assets.staleness.step_version import step_version

    tracks, data_version = training_tracks(paths)
    for split, found in zip(("train", "valid"), tracks, strict=True):
        if not found:
            raise UserError(
                f"There are no tracks in {paths.stems(split)}: run `{advised('run', asked.profile)}`, which says why."
            )
    profile = replace(asked.profile, seeds=(asked.seed,))
    steps = benchmark_steps(profile, [asked.variant])
    version = step_version(next(one for one in steps if one.path[-1] == "checkpoint"), profile, paths)
    return replace(asked, code_version=version.digest, data_version=data_version)
