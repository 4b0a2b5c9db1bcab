"""Which assets a command runs, and how they stand."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from assets.paths import Paths
from sepmodels.errors import unknown_name
from sepmodels.settings import Profile
from sepmodels.systems import SYSTEMS_ON_REQUEST, known_systems, read_systems, systems_of
from sepmodels.systems.variants import VARIANTS, variants_of

if TYPE_CHECKING:
    from assets.staleness.standing import Standing, Subject


def select(profile: Profile, paths: Paths, only: Iterable[str]) -> list[str]:
    """Keys of the assets to run: all, or without the chains that ``only`` leaves out of variants and added systems.

    What a system is made from is made, too. Raises :class:`UserError` for an unknown name.
    """
    from assets.graph import benchmark_steps

    added = read_systems(paths.systems, known_systems())
    choices = {**VARIANTS, **SYSTEMS_ON_REQUEST, **added}
    if unknown := [name for name in only if name not in choices]:
        raise unknown_name("variant", unknown[0], choices, "sepbench variants")
    wanted = set(only) or {*variants_of(profile), *profile.extra_systems, *added}
    for name in reversed([*added]):
        wanted |= set(added[name].needs) if name in wanted else set()
    steps = benchmark_steps(profile, systems_of(profile, paths.systems))
    kept = (step for step in steps if step.name not in choices or step.name in wanted)
    return ["/".join((profile.name, *step.path)) for step in kept]


def standing(profile: Profile, paths: Paths) -> list[tuple[Subject, Standing]]:
    """How every asset of the profile stands, and why; each after those that it needs."""
    from assets.graph import benchmark_subjects
    from assets.staleness.standing import standings
    from pipelines.graph.instance import history

    subjects = benchmark_subjects(profile, paths, systems_of(profile, paths.systems))
    with history(paths.data) as instance:
        return list(zip(subjects, standings(subjects, instance), strict=True))


def behind(profile: Profile, paths: Paths, keys: Collection[str]) -> list[str]:
    """Those of the keys that are stale or were never made, and those of them that read such."""
    return to_make(standing(profile, paths), keys)


def to_make(stands: Iterable[tuple[Subject, Standing]], keys: Collection[str]) -> list[str]:
    """What a run of those keys makes, where all products stand so."""
    found: list[str] = []
    for subject, one in stands:
        key = subject.key.to_user_string()
        follows = any(need.to_user_string() in found for need in subject.needs)
        if key in keys and (one.state in ("stale", "never") or follows):
            found.append(key)
    return found
