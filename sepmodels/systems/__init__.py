"""What can be a row of the table: each kind of system is a class, and each system an entry, or a person's file.

Importing this package is cheap and needs no torch.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sepmodels.settings import Profile
from sepmodels.systems.added import Added
from sepmodels.systems.classical import CLASSICAL
from sepmodels.systems.references import MORE_REFERENCES, REFERENCES
from sepmodels.systems.system import SomeSystem, System
from sepmodels.systems.system_files import read_systems
from sepmodels.systems.variants import VARIANTS, Variant, variants_of

# Made where a profile asks for them (its ``extra_systems``), and nowhere else.
SYSTEMS_ON_REQUEST: dict[str, System] = {**CLASSICAL, **MORE_REFERENCES}


def systems_of(profile: Profile, folder: Path) -> tuple[System, ...]:
    """The systems of a profile's benchmark, in the order of its graph: the trained ones, references, and added ones.

    Of what was added, and of classical methods, those that separate the profile's target.

    folder: with a file for each that a person has added (:func:`sepmodels.systems.system_files.read_systems`).
    """
    return tuple(one for one in _all_of(profile, folder) if is_of(one, profile.target))


def systems_of_other_targets(profile: Profile, folder: Path) -> tuple[Added, ...]:
    """Those that would be in it, if what they separate were what the profile separates."""
    return tuple(one for one in _all_of(profile, folder) if isinstance(one, Added) and not is_of(one, profile.target))


def _all_of(profile: Profile, folder: Path) -> Iterator[System]:
    asked = (one for name, one in SYSTEMS_ON_REQUEST.items() if name in profile.extra_systems)
    added = read_systems(folder, known_systems()).values()
    yield from (*variants_of(profile).values(), *REFERENCES.values(), *asked)
    yield from (aimed(one, profile.target) for one in added)


def is_of(system: System, target: str) -> bool:
    """Whether it separates that: whatever is added separates one thing."""
    return not isinstance(system, Added) or system.target == target


def aimed(system: SomeSystem, target: str) -> SomeSystem:
    """A variant that separates that; any other system as it is."""
    return replace(system, target=target) if isinstance(system, Variant) else system


def trained_systems(folder: Path) -> dict[str, Variant]:
    """Every variant that there is: of the list, and those that a person has added in that folder."""
    added = read_systems(folder, known_systems())
    return {**VARIANTS, **{name: one for name, one in added.items() if isinstance(one, Variant)}}


def known_systems() -> dict[str, System]:
    """Every system that the project has an entry for, by name."""
    return {**VARIANTS, **REFERENCES, **SYSTEMS_ON_REQUEST}
