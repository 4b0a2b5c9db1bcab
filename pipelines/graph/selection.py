"""Which assets a command runs, and how they stand."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from assets.paths import Paths
from sepmodels.settings import Profile
from sepmodels.systems import systems_of
from sepmodels.systems.variants import find_variant, variants_of

if TYPE_CHECKING:
    from assets.staleness.standing import Standing, Subject


def select(profile: Profile, only: Iterable[str]) -> list[str]:
    """Keys of the assets to run: all, or without the chains of the variants that ``only`` leaves out.

    Raises :class:`UserError` for an unknown variant.
    """
    from assets.graph import benchmark_steps

    wanted = {find_variant(name).name for name in only} or set(variants_of(profile))
    steps = benchmark_steps(profile, systems_of(profile))
    always = (step.system is None or not step.system.seeded for step in steps)
    kept = (step for step, stays in zip(steps, always, strict=True) if stays or step.name in wanted)
    return ["/".join((profile.name, *step.path)) for step in kept]


def standing(profile: Profile, paths: Paths) -> list[tuple[Subject, Standing]]:
    """How every asset of the profile stands, and why; each after those that it needs."""
    from assets.graph import benchmark_subjects
    from assets.staleness.standing import standings
    from pipelines.graph.instance import history

    subjects = benchmark_subjects(profile, paths, systems_of(profile))
    with history(paths.data) as instance:
        return list(zip(subjects, standings(subjects, instance), strict=True))


def behind(profile: Profile, paths: Paths, keys: Collection[str]) -> list[str]:
    """Those of the keys that are stale or were never made, and those of them that read such."""
    found = []
    for subject, one in standing(profile, paths):
        key = subject.key.to_user_string()
        follows = any(need.to_user_string() in found for need in subject.needs)
        if key in keys and (one.state in ("stale", "never") or follows):
            found.append(key)
    return found
