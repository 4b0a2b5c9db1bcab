"""What can be a row of the table: each kind of system is a class, and each system an entry, or a person's file.

Importing this package is cheap and needs no torch.
"""

from pathlib import Path

from sepmodels.settings import Profile
from sepmodels.systems.classical import CLASSICAL
from sepmodels.systems.references import MORE_REFERENCES, REFERENCES
from sepmodels.systems.system import System
from sepmodels.systems.system_files import read_systems
from sepmodels.systems.variants import VARIANTS, Variant, variants_of

# Made where a profile asks for them (its ``extra_systems``), and nowhere else.
SYSTEMS_ON_REQUEST: dict[str, System] = {**CLASSICAL, **MORE_REFERENCES}


def systems_of(profile: Profile, folder: Path) -> tuple[System, ...]:
    """The systems of a profile's benchmark, in the order of its graph: the trained ones, references, and added ones.

    folder: with a file for each that a person has added (:func:`sepmodels.systems.system_files.read_systems`).
    """
    asked = (one for name, one in SYSTEMS_ON_REQUEST.items() if name in profile.extra_systems)
    added = read_systems(folder, known_systems())
    return (*variants_of(profile).values(), *REFERENCES.values(), *asked, *added.values())


def trained_systems(folder: Path) -> dict[str, Variant]:
    """Every variant that there is: of the list, and those that a person has added in that folder."""
    added = read_systems(folder, known_systems())
    return {**VARIANTS, **{name: one for name, one in added.items() if isinstance(one, Variant)}}


def known_systems() -> dict[str, System]:
    """Every system that the project has an entry for, by name."""
    return {**VARIANTS, **REFERENCES, **SYSTEMS_ON_REQUEST}
