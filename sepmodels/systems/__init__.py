"""What can be a row of the table: each kind of system is a class, and each system an entry.

Importing this package is cheap and needs no torch.
"""

from sepmodels.settings import Profile
from sepmodels.systems.given_scores import GivenScores
from sepmodels.systems.references import REFERENCES, Reference
from sepmodels.systems.system import System
from sepmodels.systems.variants import VARIANTS, Variant, variants_of

KINDS: tuple[type[System], ...] = (Variant, Reference, GivenScores)


def systems_of(profile: Profile) -> tuple[System, ...]:
    """The systems that a profile's benchmark makes, in the order of its graph: the trained ones, then references."""
    return (*variants_of(profile).values(), *REFERENCES.values())


def known_systems() -> dict[str, System]:
    """Every system that the project has an entry for, by name."""
    return {**VARIANTS, **REFERENCES}
